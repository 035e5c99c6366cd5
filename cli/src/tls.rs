//! TLS as the command line asks for it.

use std::path::PathBuf;

use bowline::tls::{ClientCertificates, TlsClient, TlsRoots, TlsServer, TlsSettingsError};
use bowline::{Endpoint, Options};

use crate::args::{TlsArgs, TlsClientArgs, TlsTrustArgs};
use crate::failure::Failure;

/// Adds what the endpoints need that are bound and connected to.
pub(crate) fn options(options: Options, args: &TlsArgs, endpoints: [&[Endpoint]; 2]) -> Result<Options, Failure> {
    let [binds, connects] = endpoints.map(any);
    if !binds && args.client_ca.is_some() {
        return Err(Failure::Usage("--tls-client-ca: nothing is bound to tls+tcp:// or wss://".into()));
    }
    if !binds && !connects {
        let given = [("--tls-cert", args.cert.is_some()), ("--tls-ca", args.trust.ca.is_some())];
        let unused = given.into_iter().find(|(_, is_given)| *is_given);
        return unused
            .map_or(Ok(options), |(name, _)| Err(Failure::usage(name, "no endpoint is tls+tcp:// or wss://")));
    }
    let options = if binds { options.tls_server(server(args)?) } else { options };
    if connects { client(options, &args.trust, args.cert.as_ref().zip(args.key.as_ref())) } else { Ok(options) }
}

/// As [`options`], for a command that connects to one endpoint.
pub(crate) fn client_options(options: Options, args: &TlsClientArgs, endpoint: &Endpoint) -> Result<Options, Failure> {
    if !any(std::slice::from_ref(endpoint)) {
        return Ok(options);
    }
    client(options, &args.trust, args.cert.as_ref().zip(args.key.as_ref()))
}

fn any(endpoints: &[Endpoint]) -> bool {
    endpoints.iter().any(|endpoint| matches!(endpoint, Endpoint::Tls { .. } | Endpoint::Wss(_)))
}

fn server(args: &TlsArgs) -> Result<TlsServer, Failure> {
    let (Some(certificate), Some(key)) = (&args.cert, &args.key) else {
        return Err(Failure::Usage(
            "tls+tcp:// and wss:// are bound with a certificate: name it with --tls-cert and --tls-key".into(),
        ));
    };
    let server = TlsServer::from_pem_files(certificate, key).map_err(failure)?;
    match &args.client_ca {
        None => Ok(server),
        Some(ca) => server.client_certificates(TlsRoots::pem_file(ca), ClientCertificates::Required).map_err(failure),
    }
}

fn client(options: Options, trust: &TlsTrustArgs, own: Option<(&PathBuf, &PathBuf)>) -> Result<Options, Failure> {
    let roots = trust.ca.as_ref().map_or_else(TlsRoots::platform, TlsRoots::pem_file);
    let mut client = TlsClient::new(roots).map_err(failure)?;
    if let Some((certificate, key)) = own {
        client = client.certificate_files(certificate, key).map_err(failure)?;
    }
    if let Some(name) = &trust.server_name {
        client = client.server_name(name);
    }
    Ok(options.tls_client(client))
}

fn failure(error: TlsSettingsError) -> Failure {
    Failure::of(error.origin, error.cause)
}
