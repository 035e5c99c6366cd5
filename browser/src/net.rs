//! TCP as far as a page can have it: a program beside it listens, and carries what comes by WebSocket
//! (`bowline/examples/beside/relay.rs`). What connects here is a WebSocket already, whose messages are taken for bytes.

mod control;
mod stream;

use std::any::Any;
use std::cell::RefCell;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;

use send_wrapper::SendWrapper;
use tokio_itself::sync::mpsc;

pub use control::{Place, beside, listen};
pub use stream::TcpStream;

/// The port where connections come in now, and what is to be kept for as long as they do.
type Hosting = Pin<Box<dyn Future<Output = io::Result<(u16, Box<dyn Any + Send + Sync>)>> + Send>>;

/// As bowline asks for it, of whoever listens for a page.
#[must_use]
pub fn host(address: String, take: Box<dyn Fn(web_sys::WebSocket, String)>) -> Hosting {
    let listening = listen(address, take);
    Box::pin(async move {
        let place = listening.await?;
        Ok((place.address().port(), Box::new(place) as Box<dyn Any + Send + Sync>))
    })
}

/// A number that is most likely no other page's.
#[must_use]
pub fn number() -> usize {
    (js_sys::Math::random() * 62_500.0) as usize
}

/// A place where connections come in.
#[derive(Debug)]
pub struct TcpListener {
    came: SendWrapper<RefCell<mpsc::UnboundedReceiver<TcpStream>>>,
    place: Place,
}

impl TcpListener {
    /// Listens there.
    ///
    /// # Errors
    ///
    /// Those of the system beside the page, by their kind.
    pub async fn bind(address: &str) -> io::Result<Self> {
        let (tell, came) = mpsc::unbounded_channel();
        let place = listen(address.to_owned(), move |socket, _| {
            // Who is gone takes nothing.
            let _gone = tell.send(TcpStream::open(socket));
        })
        .await?;
        Ok(Self { came: SendWrapper::new(RefCell::new(came)), place })
    }

    /// Where it listens.
    ///
    /// # Errors
    ///
    /// None.
    pub fn local_addr(&self) -> io::Result<SocketAddr> {
        Ok(self.place.address())
    }

    /// The next connection. Dropping the future loses none.
    ///
    /// # Errors
    ///
    /// The program beside the page has ended.
    pub async fn accept(&self) -> io::Result<(TcpStream, SocketAddr)> {
        let came = std::future::poll_fn(|cx| self.came.borrow_mut().poll_recv(cx)).await;
        Ok((came.ok_or(io::ErrorKind::BrokenPipe)?, self.place.address()))
    }
}
