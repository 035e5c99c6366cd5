//! A client: calls with JSON, to the servers that it is connected to.

use bowline::rpc::{Client, Codec, Limits, Retries};
use js_sys::{Function, Promise};
use wasm_bindgen::JsValue;
use wasm_bindgen::prelude::wasm_bindgen;

use crate::call::Call;
use crate::error::{error, invalid};
use crate::event;
use crate::handler::Page;
use crate::setup::{Setup, millis};
use crate::socket::{Events, tell_states};
use crate::turn::promise;

/// A client, and what its servers may call.
#[wasm_bindgen]
pub struct Caller {
    client: Client,
    page: Page,
}

#[wasm_bindgen]
impl Caller {
    #[wasm_bindgen(constructor)]
    pub fn new(setup: Setup) -> Result<Self, JsValue> {
        let page = Page::default();
        let limits = setup.max_message.map_or_else(Limits::default, |most| Limits::default().max_message(most));
        let builder = Client::builder().options(setup.options).limits(limits).codec(Codec::Json).service(page.clone());
        let builder = if setup.retries { builder } else { builder.retries(Retries::NONE) };
        Ok(Self { client: builder.connect().map_err(invalid)?, page })
    }

    pub fn connect(&self, endpoint: &str) -> Result<String, JsValue> {
        self.client.add_endpoint(endpoint).map(|endpoint| endpoint.to_string()).map_err(invalid)
    }

    /// A call, which begins when something is asked of it. See [`Call::new`].
    pub fn call(
        &self,
        service: &str,
        method: &str,
        kind: u8,
        arguments: String,
        deadline: Option<f64>,
    ) -> Result<Call, JsValue> {
        Call::new(&self.client, (service, method), kind, arguments, deadline.map(millis))
    }

    /// Lets servers call the page: `handler` gets an [`Asked`](crate::handler::Asked), and answers it.
    pub fn handle(&self, service: &str, method: &str, handler: Function) {
        self.page.handle(service, method, handler);
    }

    pub fn unhandle(&self, service: &str, method: &str) {
        self.page.unhandle(service, method);
    }

    /// Resolves when there is a connection that takes calls.
    pub fn wait_ready(&self) -> Promise {
        let client = self.client.clone();
        promise(async move {
            client.wait_ready().await.map(|()| JsValue::UNDEFINED).map_err(|why| error("unreachable", why))
        })
    }

    pub fn is_connected(&self) -> bool {
        self.client.is_connected()
    }

    pub fn state(&self) -> String {
        self.client.state().current().name().to_owned()
    }

    /// Calls `handler` with each state from now on, the present one left out.
    pub fn on_state(&self, handler: Function) {
        tell_states(self.client.state(), handler);
    }

    pub fn events(&self) -> Events {
        Events::new(self.client.monitor())
    }

    /// The peers, as JSON.
    pub fn peers(&self) -> String {
        event::peers(&self.client.peers())
    }

    /// Whether there is a network.
    pub fn set_network(&self, is_there: bool) {
        self.client.set_network(is_there);
    }

    /// Resolves when what is pending is done, or the time over, and the client closed.
    pub fn drain(&self, grace: f64) -> Promise {
        let client = self.client.clone();
        promise(async move {
            client.drain(millis(grace)).await;
            Ok(JsValue::UNDEFINED)
        })
    }

    /// Resolves when it is closed.
    pub fn close(&self) -> Promise {
        let client = self.client.clone();
        promise(async move {
            client.close().await;
            Ok(JsValue::UNDEFINED)
        })
    }

    /// Closes it without anybody who waits.
    pub fn stop(&self) {
        let client = self.client.clone();
        wasm_bindgen_futures::spawn_local(async move { client.close().await });
    }
}
