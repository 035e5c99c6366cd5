//! Authenticators that read files: what they accept, and what they make of changes.
#![cfg(feature = "auth-files")]

mod common;

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use bowline::auth::{
    Addresses, Authenticator, Code, Credentials, FileCause, KeyDirectory, PasswordFile, Refusal, Request, Verdict,
};
use bowline::curve::{self, CurveClient, CurveServer, PublicKey};
use bowline::{DisconnectReason, Mechanism, Options, PeerInfo, PlainCredentials, Pull, Push, SocketType};
use common::{Script, quick, within};

/// A directory of its own, which goes with the test.
struct Folder(PathBuf);

impl Folder {
    fn new() -> Self {
        static NEXT: AtomicUsize = AtomicUsize::new(0);
        let name = format!("bowline-auth-{}-{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
        let path = std::env::temp_dir().join(name);
        fs::create_dir(&path).unwrap();
        Self(path)
    }

    fn write(&self, name: &str, text: impl AsRef<[u8]>) -> PathBuf {
        let path = self.0.join(name);
        fs::write(&path, text).unwrap();
        path
    }

    fn remove(&self, name: &str) {
        fs::remove_file(self.0.join(name)).unwrap();
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _it_stays = fs::remove_dir_all(&self.0);
    }
}

fn key() -> PublicKey {
    curve::generate().unwrap().public()
}

fn certificate(key: &PublicKey, name: &str) -> String {
    format!("#   a certificate\nmetadata\n    name = \"{name}\"\ncurve\n    public-key = \"{key}\"\n")
}

fn shown(credentials: Credentials) -> Request {
    let peer = PeerInfo { address: "192.0.2.1:7".into(), ..PeerInfo::of_type(SocketType::Push) };
    Request { domain: String::new(), credentials, peer }
}

fn of_key(key: PublicKey) -> Request {
    shown(Credentials::Curve(key))
}

fn login(user: &str, password: &str) -> Request {
    shown(Credentials::Plain(PlainCredentials::new(user, password).unwrap()))
}

fn line(user: &str, password: &str) -> String {
    PasswordFile::line(&PlainCredentials::new(user, password).unwrap()).unwrap()
}

fn code(verdict: &Verdict) -> Option<Code> {
    match verdict {
        Verdict::Refuse(Refusal { code, .. }) => Some(*code),
        Verdict::Accept { .. } => None,
    }
}

/// Long after files are looked at again, by whichever clock the process began to count.
async fn some_time_later() {
    tokio::time::advance(Duration::from_secs(10)).await;
}

#[tokio::test(start_paused = true)]
async fn a_key_is_known_while_its_certificate_is_there() {
    let folder = Folder::new();
    let (ann, bob) = (key(), key());
    folder.write("ann.key", certificate(&ann, "Ann"));
    // Those are not for others to see, nor are these certificates.
    folder.write("bob.key_secret", certificate(&bob, "Bob"));
    folder.write(".bob.key", certificate(&bob, "Bob"));
    let keys = KeyDirectory::open(&folder.0).unwrap();
    assert_eq!(keys.authenticate(of_key(ann)).await, Verdict::accept().with("name", "Ann"));
    assert_eq!(code(&keys.authenticate(of_key(bob)).await), Some(Code::Credentials));
    assert_eq!(code(&keys.authenticate(login("ann", "")).await), Some(Code::Credentials), "that is no key");

    folder.write("bob.key", certificate(&bob, "Bob"));
    folder.write("ann.key", certificate(&ann, "Anna"));
    assert_eq!(code(&keys.authenticate(of_key(bob)).await), Some(Code::Credentials), "a second is not over");
    some_time_later().await;
    assert!(keys.authenticate(of_key(bob)).await.is_accepted());
    assert_eq!(keys.authenticate(of_key(ann)).await, Verdict::accept().with("name", "Anna"));

    folder.remove("ann.key");
    some_time_later().await;
    assert_eq!(code(&keys.authenticate(of_key(ann)).await), Some(Code::Credentials));
    assert!(keys.authenticate(of_key(bob)).await.is_accepted());
}

#[tokio::test(start_paused = true)]
async fn a_certificate_that_is_broken_keeps_others_in_and_strangers_away_for_now() {
    let folder = Folder::new();
    let (ann, bob) = (key(), key());
    folder.write("ann.key", certificate(&ann, "Ann"));
    let keys = KeyDirectory::open(&folder.0).unwrap();
    let broken = folder.write("bob.key", "curve\n    public-key = \"half of it\n");
    let refused = KeyDirectory::open(&folder.0).unwrap_err();
    assert_eq!((&refused.path, refused.line, &refused.cause), (&broken, Some(2), &FileCause::Syntax));

    some_time_later().await;
    assert!(keys.authenticate(of_key(ann)).await.is_accepted());
    let Verdict::Refuse(Refusal { code, text }) = keys.authenticate(of_key(bob)).await else { panic!("not known") };
    assert_eq!(code, Code::Temporary);
    assert!(text.contains("bob.key:2: "), "{text}");
    folder.write("bob.key", certificate(&bob, "Bob"));
    some_time_later().await;
    assert!(keys.authenticate(of_key(bob)).await.is_accepted());
}

#[tokio::test(start_paused = true)]
async fn a_directory_that_is_gone_lets_nobody_in_until_it_is_back() {
    let folder = Folder::new();
    let ann = key();
    folder.write("ann.key", certificate(&ann, "Ann"));
    let keys = KeyDirectory::open(&folder.0).unwrap();
    let aside = folder.0.with_extension("aside");
    fs::rename(&folder.0, &aside).unwrap();
    some_time_later().await;
    assert_eq!(code(&keys.authenticate(of_key(ann)).await), Some(Code::Temporary));
    fs::rename(&aside, &folder.0).unwrap();
    some_time_later().await;
    assert!(keys.authenticate(of_key(ann)).await.is_accepted());
    assert!(KeyDirectory::open(aside).is_err());
}

#[tokio::test(start_paused = true)]
async fn one_key_has_one_certificate() {
    let folder = Folder::new();
    let ann = key();
    folder.write("a.key", certificate(&ann, "Ann"));
    let again = folder.write("b.key", certificate(&ann, "Ann"));
    let refused = KeyDirectory::open(&folder.0).unwrap_err();
    assert_eq!((refused.path, refused.cause), (again, FileCause::SameKey));
}

#[tokio::test(start_paused = true)]
async fn a_password_counts_while_it_is_in_the_file() {
    let folder = Folder::new();
    let file = folder.write("users", line("ann", "secret"));
    let users = PasswordFile::open(&file).unwrap();
    assert_eq!(users.authenticate(login("ann", "secret")).await, Verdict::accept());
    for (user, password) in [("ann", "guess"), ("bob", "secret")] {
        assert_eq!(code(&users.authenticate(login(user, password)).await), Some(Code::Credentials));
    }
    assert_eq!(code(&users.authenticate(of_key(key())).await), Some(Code::Credentials), "that is no password");

    folder.write("users", [line("ann", "changed"), line("bob", "secret")].join("\n"));
    some_time_later().await;
    assert_eq!(code(&users.authenticate(login("ann", "secret")).await), Some(Code::Credentials));
    assert!(users.authenticate(login("ann", "changed")).await.is_accepted());
    assert!(users.authenticate(login("bob", "secret")).await.is_accepted());

    folder.write("users", "ann:secret");
    some_time_later().await;
    let Verdict::Refuse(Refusal { code: broken, text }) = users.authenticate(login("bob", "secret")).await else {
        panic!("the file can't be read")
    };
    assert_eq!(
        (broken, text.ends_with("users:1: no hash of argon2 as `bowline passwd` prints it")),
        (Code::Temporary, true)
    );
    folder.remove("users");
    some_time_later().await;
    assert_eq!(code(&users.authenticate(login("bob", "secret")).await), Some(Code::Temporary));
}

#[tokio::test(start_paused = true)]
async fn many_logins_at_once_are_all_judged() {
    let folder = Folder::new();
    let users = PasswordFile::open(folder.write("users", line("ann", "secret"))).unwrap();
    let judged = (0..20).map(|n| {
        let users = users.clone();
        tokio::spawn(async move { users.authenticate(login("ann", if n % 2 == 0 { "secret" } else { "guess" })).await })
    });
    for (n, judged) in judged.collect::<Vec<_>>().into_iter().enumerate() {
        assert_eq!(judged.await.unwrap().is_accepted(), n % 2 == 0);
    }
}

/// A server that asks this one, and what comes of a client of it.
async fn meet(server: Options, client: Options) -> Result<PeerInfo, DisconnectReason> {
    let pull = Pull::with_options(server);
    let mut monitor = pull.monitor();
    let push = Push::with_options(client);
    push.connect(pull.bind("tcp://127.0.0.1:*").await.unwrap()).unwrap();
    loop {
        let event = monitor.event().await;
        match event.kind {
            bowline::MonitorKind::HandshakeFailed { reason, .. } => return Err(reason),
            bowline::MonitorKind::Ready => return Ok((*pull.peers()[0].info).clone()),
            _ => {}
        }
    }
}

#[tokio::test]
async fn sockets_ask_them_and_both_of_two() {
    within("sockets_ask_them_and_both_of_two", async {
        let folder = Folder::new();
        let (server, client) = (curve::generate().unwrap(), curve::generate().unwrap());
        folder.write("ann.key", certificate(&client.public(), "Ann"));
        let keys = KeyDirectory::open(&folder.0).unwrap();
        let host = quick().mechanism(Mechanism::CurveServer(CurveServer::new(server.clone())));
        let guest = |keys| quick().mechanism(Mechanism::CurveClient(CurveClient::new(server.public(), keys)));
        let local = Addresses::new().allow("127.0.0.0/8".parse().unwrap());
        let both = host.clone().authenticator(local.and(keys.clone()));
        let peer = meet(both.clone(), guest(client.clone())).await.unwrap();
        assert_eq!(peer.user, Some(client.public().to_string()));
        assert_eq!(peer.metadata, [("name".to_owned(), "Ann".into())]);
        let stranger = meet(both, guest(curve::generate().unwrap())).await.unwrap_err();
        assert_eq!(stranger.code(), Some(Code::Credentials));
        let elsewhere = Addresses::new().deny("127.0.0.1".parse().unwrap());
        let far = meet(host.authenticator(elsewhere.and(keys)), guest(client)).await.unwrap_err();
        assert_eq!(far.to_string(), "the peer was refused: 400, 127.0.0.1 may not connect");

        let users = PasswordFile::open(folder.write("users", line("ann", "secret"))).unwrap();
        let host = quick().mechanism(Mechanism::PlainServer(Vec::new())).authenticator(users);
        let guest =
            |password| quick().mechanism(Mechanism::PlainClient(PlainCredentials::new("ann", password).unwrap()));
        assert_eq!(meet(host.clone(), guest("secret")).await.unwrap().user.as_deref(), Some("ann"));
        assert_eq!(meet(host, guest("guess")).await.unwrap_err().code(), Some(Code::Credentials));
    })
    .await;
}

#[test]
fn what_is_wrong_with_a_file_is_told_when_it_is_opened() {
    let folder = Folder::new();
    let missing = PasswordFile::open(folder.0.join("nowhere")).unwrap_err();
    assert_eq!(missing.cause, FileCause::Io(std::io::ErrorKind::NotFound));
    let file = folder.write("users", "# people\n\nann\n");
    let wrong = PasswordFile::open(&file).unwrap_err();
    assert_eq!((wrong.path.as_path(), wrong.line, wrong.cause), (Path::new(&file), Some(3), FileCause::NoHash));
}
