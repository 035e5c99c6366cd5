//! `ipc://`: Unix domain sockets, as files and in Linux's abstract namespace.

use std::io;
use std::os::unix::fs::MetadataExt;
use std::os::unix::net::{SocketAddr, UnixListener as StdListener, UnixStream as StdStream};
use std::path::{Path, PathBuf};

use bowline_proto::Endpoint;
use bowline_proto::endpoint::IpcName;
use tokio::net::{UnixListener, UnixStream};

use super::{Connected, Listener, Stream};

/// The file of a listener; removed when it is dropped, unless it is another's by then.
#[derive(Debug)]
pub(crate) struct SocketFile {
    path: PathBuf,
    inode: u64,
}

impl Drop for SocketFile {
    fn drop(&mut self) {
        if std::fs::symlink_metadata(&self.path).is_ok_and(|file| file.ino() == self.inode) {
            let _gone_already = std::fs::remove_file(&self.path);
        }
    }
}

pub(super) async fn connect(name: &IpcName) -> io::Result<Connected> {
    let stream = match name {
        IpcName::Path(path) => UnixStream::connect(path).await?,
        IpcName::Abstract(name) => {
            let stream = StdStream::connect_addr(&abstract_name(name)?)?;
            stream.set_nonblocking(true)?;
            UnixStream::from_std(stream)?
        }
    };
    let address = peer(&stream);
    Ok((Stream::Ipc(stream), address))
}

pub(super) async fn listen(name: &IpcName) -> io::Result<(Listener, Endpoint)> {
    let endpoint = Endpoint::Ipc(name.clone());
    let listener = match name {
        IpcName::Path(path) => {
            remove_stale(path).await?;
            let listener = UnixListener::bind(path)?;
            let inode = std::fs::symlink_metadata(path)?.ino();
            Listener::Ipc(listener, Some(SocketFile { path: path.clone(), inode }))
        }
        IpcName::Abstract(name) => {
            let listener = StdListener::bind_addr(&abstract_name(name)?)?;
            listener.set_nonblocking(true)?;
            Listener::Ipc(UnixListener::from_std(listener)?, None)
        }
    };
    Ok((listener, endpoint))
}

#[cfg(target_os = "linux")]
fn abstract_name(name: &str) -> io::Result<SocketAddr> {
    <SocketAddr as std::os::linux::net::SocketAddrExt>::from_abstract_name(name)
}

/// Only Linux has names that are no files.
#[cfg(not(target_os = "linux"))]
fn abstract_name(_name: &str) -> io::Result<SocketAddr> {
    Err(io::ErrorKind::Unsupported.into())
}

/// Removes the socket file that a killed process left behind; a file where somebody listens is left alone, and so is
/// what is no socket.
async fn remove_stale(path: &Path) -> io::Result<()> {
    use std::os::unix::fs::FileTypeExt;
    match std::fs::symlink_metadata(path) {
        Ok(file) if file.file_type().is_socket() => match UnixStream::connect(path).await {
            Err(error) if error.kind() == io::ErrorKind::ConnectionRefused => std::fs::remove_file(path),
            _ => Err(io::ErrorKind::AddrInUse.into()),
        },
        Ok(_) => Err(io::ErrorKind::AddrInUse.into()),
        Err(_) => Ok(()),
    }
}

/// The process at the other end: Unix sockets that connect have no address to show.
pub(super) fn peer(stream: &UnixStream) -> String {
    match stream.peer_cred() {
        Ok(peer) => peer.pid().map_or_else(|| format!("uid {}", peer.uid()), |pid| format!("pid {pid}")),
        Err(_) => String::new(),
    }
}
