//! TLS: certificates in files, and peers that have them or don't.

use std::fs;
use std::path::PathBuf;

use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};

use crate::process::{run, start};

/// An issuer, and a certificate for localhost with its key, in files that go with this.
struct Certificates(PathBuf);

impl Certificates {
    fn new(name: &str) -> Self {
        let folder = std::env::temp_dir().join(format!("bowline-{name}-{}", std::process::id()));
        fs::create_dir_all(&folder).expect("a folder");
        let mut params = CertificateParams::new(Vec::new()).expect("no names");
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate().expect("a key");
        let write = |name: &str, pem: String| fs::write(folder.join(name), pem).expect("written");
        write("ca.pem", params.self_signed(&key).expect("a certificate").pem());
        let issuer = Issuer::new(params, key);
        let key = KeyPair::generate().expect("a key");
        let params = CertificateParams::new(vec!["localhost".to_owned(), "127.0.0.1".to_owned()]).expect("names");
        write("own.pem", params.signed_by(&key, &issuer).expect("a certificate").pem());
        write("own.key", key.serialize_pem());
        Self(folder)
    }

    fn file(&self, name: &str) -> String {
        self.0.join(name).display().to_string()
    }

    /// The options that show our certificate.
    fn own(&self) -> String {
        format!("--tls-cert {} --tls-key {}", self.file("own.pem"), self.file("own.key"))
    }
}

impl Drop for Certificates {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

#[test]
fn a_message_passes_where_both_sides_show_a_certificate() {
    let files = Certificates::new("tls-passes");
    let (own, ca) = (files.own(), files.file("ca.pem"));
    let mut pull = start(&format!("pull -v -b tls+tcp://127.0.0.1:0 -n 1 {own} --tls-client-ca {ca}"));
    let place = pull.endpoint();
    assert!(place.starts_with("tls+tcp://127.0.0.1:"), "{place}");
    run(&format!("push -c {place} -D sealed --tls-ca {ca} {own}")).done();
    assert_eq!(pull.end().done(), "sealed\n");
}

#[test]
fn a_server_that_is_not_trusted_is_told_by_what_is_wrong() {
    let (files, others) = (Certificates::new("tls-server"), Certificates::new("tls-others"));
    let mut pull = start(&format!("pull -v -b tls+tcp://127.0.0.1:0 {}", files.own()));
    let place = pull.endpoint();
    let told = run(&format!("monitor push -c {place} -n 3 -A --tls-ca {}", others.file("ca.pem"))).done();
    assert!(told.contains("TLS: the peer's certificate is"), "{told}");
    let told = run(&format!("monitor push -c {place} -n 3 -A --tls-ca {} --tls-server-name no", files.file("ca.pem")));
    assert!(told.done().contains("TLS: the server's certificate is for another name"));
    drop(pull);
}

#[test]
fn what_is_missing_or_too_much_is_a_usage_error() {
    let files = Certificates::new("tls-usage");
    let own = files.own();
    for (words, line) in [
        ("pull -b tls+tcp://127.0.0.1:0".to_owned(), "tls+tcp:// and wss:// are bound with a certificate"),
        (format!("pull -b tcp://127.0.0.1:0 {own}"), "--tls-cert: no endpoint is tls+tcp://"),
        ("push -c tls+tcp://localhost:1 --tls-client-ca x".to_owned(), "--tls-client-ca: nothing is bound"),
        ("pull -b tls+tcp://127.0.0.1:0 --tls-cert x".to_owned(), "--tls-key <FILE>"),
    ] {
        let ended = run(&words);
        assert!(ended.code == Some(2) && ended.stderr.contains(line), "{words}: {}", ended.stderr);
    }
    let ended = run("push -c tls+tcp://localhost:1 --tls-ca /nowhere/ca.pem");
    assert_eq!((ended.code, &*ended.stderr), (Some(1), "bowline: /nowhere/ca.pem: entity not found\n"));
}
