//! The hostile peer: a thread that does one thing as fast as it can.

use std::collections::VecDeque;
use std::io::{ErrorKind, Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use bowline::{Options, Push};

use super::super::Gauge;
use super::ATTACKED;
use crate::Result;
use crate::attack::Attack;
use crate::peers::{Seal, mechanism};

/// How many connections are held: fewer than may be in their handshake at once.
const HELD: usize = 2000;
/// On how many connections greetings drip, and how many handshakes are begun before the first is looked after.
const SLOW: usize = 500;
const AHEAD: usize = 16;
/// How much is written at once of what is only sent, in bytes.
const BLOCK: usize = 64 * 1024;

/// Attacks from a thread of its own, as soon as the stage says so.
pub(super) fn begin(attack: Attack, endpoint: &str, gauge: &Arc<Gauge>) -> Result<()> {
    let address = endpoint.strip_prefix("tcp://").ok_or("attacks go over tcp")?.parse()?;
    let gauge = gauge.clone();
    thread::spawn(move || {
        while gauge.stage() < ATTACKED {
            thread::sleep(Duration::from_millis(1));
        }
        let outcome = strike(attack, address, &gauge);
        gauge.report(outcome);
    });
    Ok(())
}

fn strike(attack: Attack, address: SocketAddr, gauge: &Gauge) -> Result<()> {
    match attack {
        Attack::Held => hold(address, gauge),
        Attack::Opened => open(address, gauge),
        Attack::Dripped => drip(address, gauge),
        Attack::Pings => pour(address, "PUSH", gauge, |_| frame(4, b"\x04PING\0\0context")),
        Attack::Subscriptions => {
            pour(address, "SUB", gauge, |n| frame(4, &[&b"\x09SUBSCRIBE"[..], &[7; 8], &n.to_le_bytes()].concat()))
        }
        Attack::Parts => pour(address, "PUSH", gauge, |_| frame(1, b"")),
        Attack::WrongKeys => {
            // The version, the padding, a key, the number of the nonce, and a box that nobody sealed.
            let body = [b"\x05HELLO\x01\0", &[0; 72][..], &[9; 32], &[0, 0, 0, 0, 0, 0, 0, 1], &[7; 80]].concat();
            shake(address, &frame(4, &body), gauge)
        }
        Attack::Hellos => shake(address, &recorded_hello()?, gauge),
    }
}

fn hold(address: SocketAddr, gauge: &Gauge) -> Result<()> {
    let mut held = Vec::with_capacity(HELD);
    loop {
        if held.len() < HELD {
            held.push(TcpStream::connect(address)?);
            gauge.strike(1);
        } else {
            thread::sleep(Duration::from_millis(10));
        }
    }
}

fn open(address: SocketAddr, gauge: &Gauge) -> Result<()> {
    let mut opened = VecDeque::new();
    loop {
        opened.push_back(TcpStream::connect(address)?);
        gauge.strike(1);
        if opened.len() > AHEAD {
            opened.pop_front();
        }
    }
}

fn drip(address: SocketAddr, gauge: &Gauge) -> Result<()> {
    // A greeting, and a command that is as long as one may be.
    let drops = [&greeting("NULL")[..], &[6, 0, 0, 0, 0, 0, 0, 0x40, 0], &[0; 16 * 1024 - 1]].concat();
    let connect = || -> Result<TcpStream> {
        let stream = TcpStream::connect(address)?;
        stream.set_nodelay(true)?;
        Ok(stream)
    };
    let mut streams = Vec::with_capacity(SLOW);
    for _ in 0..SLOW {
        streams.push((connect()?, 0));
    }
    loop {
        for (stream, at) in &mut streams {
            if *at == drops.len() || stream.write_all(&drops[*at..=*at]).is_err() {
                (*stream, *at) = (connect()?, 0);
                continue;
            }
            *at += 1;
            gauge.strike(1);
        }
    }
}

/// Shakes hands and sends what `make` makes, and the same again when the connection is lost for it.
fn pour(address: SocketAddr, socket_type: &str, gauge: &Gauge, make: impl Fn(u64) -> Vec<u8>) -> Result<()> {
    let mut made = 0;
    loop {
        let mut stream = TcpStream::connect(address)?;
        let property = [b"\x05READY\x0bSocket-Type\0\0\0", &[socket_type.len() as u8][..], socket_type.as_bytes()];
        let hands = [&greeting("NULL")[..], &frame(4, &property.concat())].concat();
        let mut lost = stream.write_all(&hands).is_err();
        while !lost {
            let (mut block, before) = (Vec::with_capacity(BLOCK), made);
            while block.len() < BLOCK {
                block.extend(make(made));
                made += 1;
            }
            lost = stream.write_all(&block).is_err();
            gauge.strike(made - before);
        }
    }
}

/// Begins handshakes with this HELLO, several at a time, and waits for each to be answered or refused.
fn shake(address: SocketAddr, hello: &[u8], gauge: &Gauge) -> Result<()> {
    let opening = [&greeting("CURVE")[..], hello].concat();
    let mut begun = VecDeque::new();
    loop {
        let mut stream = TcpStream::connect(address)?;
        if stream.write_all(&opening).is_ok() {
            begun.push_back(stream);
        }
        if begun.len() > AHEAD
            && let Some(mut stream) = begun.pop_front()
        {
            // A WELCOME, or the end.
            let mut answer = [0; 64 + 2 + 168];
            match stream.read_exact(&mut answer) {
                Ok(()) => {}
                Err(error) if error.kind() == ErrorKind::UnexpectedEof => {}
                Err(error) if error.kind() == ErrorKind::ConnectionReset => {}
                Err(error) => return Err(error.into()),
            }
            gauge.strike(1);
        }
    }
}

/// What an honest client says first, as somebody hears it who stands between.
fn recorded_hello() -> Result<Vec<u8>> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let endpoint = format!("tcp://{}", listener.local_addr()?);
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build()?;
    let client = runtime.block_on(async {
        let client = Push::with_options(Options::new().mechanism(mechanism(Some(Seal::Client))));
        client.connect(endpoint.as_str()).map(|_| client)
    })?;
    let (mut stream, _) = listener.accept()?;
    let mut greets = greeting("CURVE");
    greets[32] = 1;
    stream.write_all(&greets)?;
    let mut heard = [0; 64 + 2 + 200];
    stream.read_exact(&mut heard)?;
    drop(client);
    Ok(heard[64..].to_vec())
}

/// A greeting of ZMTP 3.1 with this mechanism.
fn greeting(mechanism: &str) -> [u8; 64] {
    let mut bytes = [0; 64];
    bytes[0] = 0xff;
    bytes[9..12].copy_from_slice(&[0x7f, 3, 1]);
    bytes[12..12 + mechanism.len()].copy_from_slice(mechanism.as_bytes());
    bytes
}

/// A short frame.
fn frame(flags: u8, body: &[u8]) -> Vec<u8> {
    [&[flags, body.len() as u8], body].concat()
}
