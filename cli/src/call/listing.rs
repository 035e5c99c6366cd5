//! What `bowline services` prints.

use bowline::rpc::Kind;
use bowline::rpc::reflection::{MethodInfo, ServiceInfo};
use serde_json::{Value, json};

/// Whether every server has it.
pub(crate) fn is_builtin(service: &ServiceInfo) -> bool {
    matches!(service.name.as_str(), "bowline.health" | "bowline.reflection")
}

/// For people.
pub(super) fn text(service: &ServiceInfo) -> String {
    let mut text = service.name.clone();
    push_docs(&mut text, "  ", &service.docs);
    for method in &service.methods {
        text += "\n  ";
        text += &method.name;
        text += &method.signature;
        if method.idempotent {
            text += "  (idempotent)";
        }
        push_docs(&mut text, "      ", &method.docs);
    }
    text
}

fn push_docs(text: &mut String, indent: &str, docs: &str) {
    for line in docs.lines().map(str::trim).take_while(|line| !line.is_empty()) {
        text.push('\n');
        text.push_str(indent);
        text.push_str(line);
    }
}

/// For programs.
pub(super) fn json(service: &ServiceInfo) -> Value {
    let methods: Vec<Value> = service.methods.iter().map(method).collect();
    json!({ "name": service.name, "docs": service.docs, "methods": methods })
}

fn method(method: &MethodInfo) -> Value {
    json!({
        "name": method.name,
        "kind": kind(method.kind),
        "idempotent": method.idempotent,
        "signature": method.signature,
        "docs": method.docs,
    })
}

fn kind(kind: Kind) -> &'static str {
    match kind {
        Kind::Unary => "unary",
        Kind::ServerStream => "server-stream",
        Kind::ClientStream => "client-stream",
        Kind::Bidirectional => "bidirectional",
        Kind::OneWay => "one-way",
    }
}
