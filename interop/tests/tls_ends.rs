//! TLS against OpenSSL, which Python's `ssl` is: pyzmq stands behind it, both ways, with certificates on both sides.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use bowline::tls::{ClientCertificates, TlsClient, TlsRoots, TlsServer};
use bowline::{Monitor, MonitorKind, PeerInfo, SocketType};
use bowline_interop::{Outcome, Peer, Transport, ensure, ours, python, within};
use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair};
use serde_json::json;
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::process::{Child, Command};

/// An issuer, and a certificate of each side with its key, in files that go with this.
struct Certificates(PathBuf);

fn words(error: impl std::fmt::Display) -> String {
    error.to_string()
}

impl Certificates {
    fn new(name: &str) -> Outcome<Self> {
        let folder = std::env::temp_dir().join(format!("bowline-interop-{name}-{}", std::process::id()));
        fs::create_dir_all(&folder).map_err(words)?;
        let made = Self(folder);
        let mut params = CertificateParams::new(Vec::new()).map_err(words)?;
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![rcgen::KeyUsagePurpose::KeyCertSign];
        let key = KeyPair::generate().map_err(words)?;
        made.write("ca.pem", &params.self_signed(&key).map_err(words)?.pem())?;
        let issuer = Issuer::new(params, key);
        for side in ["ours", "theirs"] {
            let key = KeyPair::generate().map_err(words)?;
            let mut params = CertificateParams::new(vec!["localhost".to_owned()]).map_err(words)?;
            params.distinguished_name.push(DnType::CommonName, side);
            // OpenSSL looks for the issuer by this.
            params.use_authority_key_identifier_extension = true;
            made.write(&format!("{side}.pem"), &params.signed_by(&key, &issuer).map_err(words)?.pem())?;
            made.write(&format!("{side}.key"), &key.serialize_pem())?;
        }
        Ok(made)
    }

    fn write(&self, name: &str, pem: &str) -> Outcome {
        fs::write(self.file(name), pem).map_err(words)
    }

    fn file(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }

    fn roots(&self) -> TlsRoots {
        TlsRoots::pem_file(self.file("ca.pem"))
    }
}

impl Drop for Certificates {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// Their end of TLS; the port that it listens at. It ends when the process is dropped.
async fn their_tls(mode: &str, target: u16, files: &Certificates) -> Outcome<(Child, u16)> {
    let mut command = Command::new(python()?);
    command.arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("tls.py")).args([mode, &target.to_string()]);
    command.args(["ca.pem", "theirs.pem", "theirs.key"].map(|name| files.file(name)));
    let mut process = command.stdout(Stdio::piped()).kill_on_drop(true).spawn().map_err(words)?;
    let mut lines = BufReader::new(process.stdout.take().ok_or("no pipe")?).lines();
    let port = within("the port of tls.py", lines.next_line()).await?.ok_or("tls.py ended")?;
    Ok((process, port.parse().map_err(words)?))
}

fn port(endpoint: &str) -> Outcome<u16> {
    endpoint.rsplit(':').next().and_then(|port| port.parse().ok()).ok_or_else(|| format!("no port in {endpoint}"))
}

/// Waits for the peer, whose certificate must be theirs.
async fn certified(monitor: &mut Monitor) -> Outcome {
    let ready = async {
        loop {
            match monitor.next().await {
                Some(event) if event.kind == MonitorKind::Ready => return Ok(event.peer),
                Some(_) => {}
                None => return Err("the monitor has ended"),
            }
        }
    };
    let peer = within("a peer that is ready", ready).await?;
    let subject = |peer: &PeerInfo| peer.certificate.as_ref().map(|certificate| certificate.subject.clone());
    let subject = peer.as_deref().and_then(subject).unwrap_or_default();
    ensure(subject.contains("CN=theirs"), || format!("the peer's certificate is for {subject:?}"))
}

const SIZES: [usize; 5] = [0, 200, 16_384, 100_000, 3_000_000];

/// Messages of every size go there and back.
async fn exchange(socket: &bowline::AnySocket, peer: &mut Peer, theirs: &bowline_interop::Theirs) -> Outcome {
    for size in SIZES {
        let body = vec![b'x'; size];
        ours::send(socket, body.clone()).await?;
        peer.expect_parts(theirs, &[&body]).await?;
        peer.send_parts(theirs, &[&body]).await?;
        ours::expect_parts(socket, &[&body]).await?;
    }
    Ok(())
}

#[tokio::test]
async fn they_dial_us_through_openssl() -> Outcome {
    let files = Certificates::new("dial")?;
    let server = TlsServer::from_pem_files(files.file("ours.pem"), files.file("ours.key"))
        .and_then(|server| server.client_certificates(files.roots(), ClientCertificates::Required));
    let socket = ours::socket(SocketType::Pair, ours::options().tls_server(server.map_err(words)?));
    let mut monitor = socket.monitor();
    let endpoint = ours::bind(&socket, "tls+tcp://127.0.0.1:*").await?;
    let (_tls, near) = their_tls("dial", port(&endpoint)?, &files).await?;
    let mut peer = Peer::spawn().await?;
    let pair = peer.socket("PAIR", json!({})).await?;
    peer.connect(&pair, &format!("tcp://127.0.0.1:{near}")).await?;
    certified(&mut monitor).await?;
    exchange(&socket, &mut peer, &pair).await
}

#[tokio::test]
async fn we_dial_them_through_openssl() -> Outcome {
    let files = Certificates::new("accept")?;
    let mut peer = Peer::spawn().await?;
    let pair = peer.socket("PAIR", json!({})).await?;
    let far = peer.bind(&pair, &Transport::Tcp.fresh()).await?;
    let (_tls, near) = their_tls("accept", port(&far)?, &files).await?;
    let client = TlsClient::new(files.roots())
        .and_then(|client| client.certificate_files(files.file("ours.pem"), files.file("ours.key")));
    let client = client.map_err(words)?.server_name("localhost");
    let socket = ours::socket(SocketType::Pair, ours::options().tls_client(client));
    let mut monitor = socket.monitor();
    ours::connect(&socket, &format!("tls+tcp://127.0.0.1:{near}"))?;
    certified(&mut monitor).await?;
    exchange(&socket, &mut peer, &pair).await
}
