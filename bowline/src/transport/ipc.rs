//! `ipc://`: Unix domain sockets, as files and in Linux's abstract namespace.

use std::io;
use std::os::unix::fs::MetadataExt;
use std::os::unix::net::{SocketAddr, UnixListener as StdListener, UnixStream as StdStream};
use std::path::{Path, PathBuf};

use bowline_proto::endpoint::IpcName;
use bowline_proto::{Endpoint, Options};
use socket2::SockRef;
use tokio::net::{UnixListener, UnixStream};

use super::{Connected, Listener, Stream};

/// Room for what is written while the other side wakes up, in bytes; the reason is with [`Options::send_buffer`].
const SEND_BUFFER: u32 = 512 * 1024;

/// What every connection gets.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Settings {
    send_buffer: u32,
}

impl Settings {
    fn new(options: &Options) -> Self {
        Self { send_buffer: options.send_buffer.unwrap_or(SEND_BUFFER) }
    }

    pub(super) fn apply(self, stream: &UnixStream) -> io::Result<()> {
        SockRef::from(stream).set_send_buffer_size(self.send_buffer as usize)
    }
}

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

pub(super) async fn connect(name: &IpcName, options: &Options) -> io::Result<Connected> {
    let stream = match name {
        IpcName::Path(path) => UnixStream::connect(path).await?,
        IpcName::Abstract(name) => {
            let stream = StdStream::connect_addr(&abstract_name(name)?)?;
            stream.set_nonblocking(true)?;
            UnixStream::from_std(stream)?
        }
    };
    Settings::new(options).apply(&stream)?;
    let address = peer(&stream);
    Ok((Stream::Ipc(stream), address))
}

pub(super) async fn listen(name: &IpcName, options: &Options) -> io::Result<(Listener, Endpoint)> {
    let endpoint = Endpoint::Ipc(name.clone());
    let settings = Settings::new(options);
    let listener = match name {
        IpcName::Path(path) => {
            remove_stale(path).await?;
            let listener = UnixListener::bind(path)?;
            let inode = std::fs::symlink_metadata(path)?.ino();
            Listener::Ipc(listener, settings, Some(SocketFile { path: path.clone(), inode }))
        }
        IpcName::Abstract(name) => {
            let listener = StdListener::bind_addr(&abstract_name(name)?)?;
            listener.set_nonblocking(true)?;
            Listener::Ipc(UnixListener::from_std(listener)?, settings, None)
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

#[cfg(test)]
mod tests {
    use super::*;

    /// What both ends of a connection got; the system says twice of what it was told, for its own notes.
    async fn send_buffers(name: &str, options: &Options) -> io::Result<[usize; 2]> {
        let name = IpcName::Abstract(format!("{name}-{}", std::process::id()));
        let (listener, _) = listen(&name, options).await?;
        let (near, far) = tokio::join!(connect(&name, options), listener.accept());
        let size = |(stream, _): Connected| match stream {
            Stream::Ipc(stream) => SockRef::from(&stream).send_buffer_size(),
            other => panic!("{other:?} is not ipc"),
        };
        Ok([size(near?)?, size(far?)?])
    }

    #[tokio::test]
    #[cfg(target_os = "linux")]
    async fn both_ends_have_the_send_buffer_that_was_asked_for_or_a_larger_one_than_the_system_gives() {
        let asked = send_buffers("bowline-asked", &Options::new().send_buffer(Some(16 * 1024))).await.unwrap();
        assert_eq!(asked, [32 * 1024; 2]);
        let unasked = send_buffers("bowline-unasked", &Options::new()).await.unwrap();
        let given = SockRef::from(&UnixStream::pair().unwrap().0).send_buffer_size().unwrap();
        assert!(unasked.iter().all(|&size| size > given), "{unasked:?} where the system gives {given}");
    }
}
