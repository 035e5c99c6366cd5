//! What a page says to the program beside it, and hears: see `bowline/examples/beside/relay.rs`.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::rc::Rc;

use js_sys::{Function, Promise};
use send_wrapper::SendWrapper;
use tokio_itself::sync::oneshot;
use wasm_bindgen::closure::Closure;
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::{JsFuture, spawn_local};
use web_sys::{MessageEvent, WebSocket};

use super::stream::dial;

/// Where the program beside the page is: told to Node by its environment, and to a browser by a file of the folder that the
/// runner of the tests serves.
const WHERE: &str =
    "return globalThis.process?.env?.BOWLINE_BESIDE ?? fetch('/target/beside').then((file) => file.text())";

thread_local! {
    static CONTROL: RefCell<Option<Rc<Control>>> = const { RefCell::new(None) };
}

/// Takes a WebSocket that has come, open and not heard yet, and the address that it came from.
type Take = Rc<dyn Fn(WebSocket, String)>;
/// Where, or not.
type Bound = Option<SocketAddr>;
/// Who takes what comes at a place, and who waits for its address.
type Asked = (Take, Option<oneshot::Sender<Bound>>);

/// The connection to the program beside the page.
struct Control {
    address: String,
    socket: WebSocket,
    places: RefCell<HashMap<u32, Asked>>,
    next: Cell<u32>,
}

/// A place where connections come in; free again when it is dropped.
pub struct Place {
    control: SendWrapper<Rc<Control>>,
    number: u32,
    address: SocketAddr,
}

impl fmt::Debug for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Place").field("address", &self.address).finish_non_exhaustive()
    }
}

impl Place {
    /// Where it is.
    #[must_use]
    pub const fn address(&self) -> SocketAddr {
        self.address
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.control.places.borrow_mut().remove(&self.number);
        self.control.say(&format!("close {}", self.number));
    }
}

/// Listens at `HOST:PORT`, and gives away what comes.
///
/// # Errors
///
/// Nobody can listen there.
///
/// # Panics
///
/// If there is no program beside the page, or it has ended.
pub fn listen(
    address: String,
    take: impl Fn(WebSocket, String) + 'static,
) -> impl Future<Output = io::Result<Place>> + Send {
    SendWrapper::new(async move {
        let control = Control::here().await;
        let number = control.next.replace(control.next.get() + 1);
        let (tell, bound) = oneshot::channel();
        control.places.borrow_mut().insert(number, (Rc::new(take), Some(tell)));
        control.say(&format!("listen {number} {address}"));
        if let Some(address) = bound.await.expect("the program beside the page is there") {
            return Ok(Place { control: SendWrapper::new(control), number, address });
        }
        control.places.borrow_mut().remove(&number);
        Err(io::ErrorKind::AddrInUse.into())
    })
}

/// The endpoint of the service of the program beside the page.
///
/// # Panics
///
/// If there is no such program.
pub fn beside() -> impl Future<Output = String> + Send {
    SendWrapper::new(async { found().await.1 })
}

/// Where the relay is, and the service.
async fn found() -> (String, String) {
    let found = Function::new_no_args(WHERE).call0(&JsValue::UNDEFINED).map(|found| Promise::resolve(&found));
    let found = JsFuture::from(found.expect("it can be asked for")).await;
    let found = found.ok().and_then(|found| found.as_string()).filter(|found| found.starts_with("127."));
    let found = found.expect("there is a program beside the page: `cargo xtask test pages` starts it");
    let (relay, service) = found.split_once(' ').expect("two places");
    (relay.to_owned(), service.trim_end().to_owned())
}

impl Control {
    async fn here() -> Rc<Self> {
        if let Some(control) = CONTROL.with_borrow(Option::clone) {
            return control;
        }
        let (address, _) = found().await;
        let url = format!("ws://{address}/control");
        let socket = dial(&url, None).await.expect("the program beside the page is there");
        let control = Rc::new(Self { address, socket, places: RefCell::default(), next: Cell::default() });
        let heard = {
            let control = Rc::clone(&control);
            Closure::<dyn FnMut(MessageEvent)>::new(move |event: MessageEvent| {
                control.hear(&event.data().as_string().expect("it tells in text"));
            })
        };
        control.socket.set_onmessage(Some(heard.into_js_value().unchecked_ref()));
        CONTROL.set(Some(Rc::clone(&control)));
        control
    }

    fn say(&self, text: &str) {
        self.socket.send_with_str(text).expect("the program beside the page is there");
    }

    fn hear(self: &Rc<Self>, told: &str) {
        let words: Vec<&str> = told.split(' ').collect();
        let number = words[1].parse().expect("the number of a place");
        match words[..] {
            ["came", _, id, from] => {
                let take = self.places.borrow().get(&number).map(|(take, _)| Rc::clone(take));
                match take {
                    Some(take) => spawn_local(Self::take(self.address.clone(), id.to_owned(), from.to_owned(), take)),
                    None => self.say(&format!("refuse {id}")),
                }
            }
            ["bound" | "failed", ..] => {
                let address = words.get(2).map(|address| address.parse().expect("an address"));
                let tell = self.places.borrow_mut().get_mut(&number).and_then(|(_, tell)| tell.take());
                if let Some(tell) = tell {
                    // Who asked may have given up.
                    let _gone = tell.send(address);
                }
            }
            _ => panic!("it tells nothing else: {told}"),
        }
    }

    async fn take(address: String, id: String, from: String, take: Take) {
        // Whoever has come may be gone before it is taken.
        if let Ok(socket) = dial(&format!("ws://{address}/accept/{id}"), Some("ZMTP3.1")).await {
            take(socket, from);
        }
    }
}
