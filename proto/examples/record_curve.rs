//! Records what a libzmq peer says to us by CURVE, for `proto/src/link/tests/curve.txt`.
//!
//! ```sh
//! cargo run -p bowline-proto --features sim --example record_curve client 7401 > client.txt &
//! python proto/examples/record_curve.py client 7401
//! ```
//!
//! The keys are fixed, ours of the moment as well: so what was recorded can be opened again.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};

use bowline_proto::keys::{CurveClient, CurveServer, SecretKey};
use bowline_proto::link::{LinkConfig, Role};
use bowline_proto::sim::Side;
use bowline_proto::time::Instant;
use bowline_proto::{Mechanism, Options, SocketType};

fn main() -> std::io::Result<()> {
    let words: Vec<String> = std::env::args().collect();
    let (theirs, port) = (words[1].as_str(), words[2].as_str());
    let address = format!("127.0.0.1:{port}");
    let (server, client) = (SecretKey::from_bytes([1; 32]), SecretKey::from_bytes([2; 32]));
    let (mechanism, role, mut stream) = if theirs == "client" {
        let stream = TcpListener::bind(address)?.accept()?.0;
        (Mechanism::CurveServer(CurveServer::new(server.into())), Role::Listener, stream)
    } else {
        let stream = TcpStream::connect(address)?;
        (Mechanism::CurveClient(CurveClient::new(server.public(), client.into())), Role::Dialer, stream)
    };
    let config = LinkConfig::new(Options::new().mechanism(mechanism), SocketType::Pull);
    let mut side = Side::new(config, role, Instant::ZERO);
    let mut buffer = vec![0; 64 * 1024];
    while side.received.len() < 4 && side.is_open() {
        stream.write_all(&side.output())?;
        let n = stream.read(&mut buffer)?;
        print!("{theirs} ");
        buffer[..n].iter().for_each(|byte| print!("{byte:02x}"));
        println!();
        side.feed(&buffer[..n], Instant::ZERO);
    }
    Ok(())
}
