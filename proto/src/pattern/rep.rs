//! REP (RFC 28): answers requests one at a time.

use smallvec::SmallVec;

use super::fair::FairQueue;
use super::{Pattern, Pipes};
use crate::error::{RecvError, SendErrorKind};
use crate::pipe::PipeId;
use crate::{Message, Part};

/// Receives a request, then sends the reply to where it came from.
#[derive(Debug, Default)]
pub(super) struct Rep {
    fair: FairQueue,
    asker: Option<Asker>,
}

/// Where the reply goes, and the envelope that takes it there.
#[derive(Debug)]
struct Asker {
    /// `None` once it is gone: whoever comes to its pipe next did not ask.
    pipe: Option<PipeId>,
    /// Mostly it is the delimiter, and nothing else.
    envelope: SmallVec<[Part; 1]>,
}

impl Pattern for Rep {
    fn opened(&mut self, _pipes: &mut Pipes, _id: PipeId) {}

    fn detached(&mut self, pipes: &mut Pipes, id: PipeId) {
        if let Some(asker) = self.asker.as_mut().filter(|asker| asker.pipe == Some(id)) {
            asker.pipe = None;
        }
        if pipes.get(id).is_some_and(|pipe| pipe.dialed) {
            // The next peer of the endpoint may be another client. It must get neither the replies to this one nor
            // those to the requests that this one leaves.
            pipes.discard_unsent(id);
            pipes.discard_unread(id);
        }
    }

    fn closed(&mut self, _pipes: &mut Pipes, _id: PipeId) {}

    fn readable(&mut self, pipes: &mut Pipes, id: PipeId) {
        self.fair.add(pipes, id);
    }

    fn send(&mut self, pipes: &mut Pipes, message: &mut Message) -> Result<(), SendErrorKind> {
        let asker = self.asker.as_ref().ok_or(SendErrorKind::OutOfTurn)?;
        if let Some(id) = asker.pipe {
            let reply: Message = asker.envelope.iter().chain(message.parts()).cloned().collect();
            // A client that asks on and does not read its replies loses them: it must not hold up the others.
            let _full = pipes.push(id, &reply);
        }
        // RFC 28, REP: SHALL silently drop the reply if the asker is gone
        self.asker = None;
        Ok(())
    }

    fn recv(&mut self, pipes: &mut Pipes, into: &mut Message) -> Result<(), RecvError> {
        if self.asker.is_some() {
            return Err(RecvError::OutOfTurn);
        }
        loop {
            let id = self.fair.recv(pipes, into)?;
            let parts = into.parts();
            // RFC 28, REP: the envelope ends with an empty delimiter, and the request stands behind it
            if let Some(end) = parts.iter().position(|part| part.is_empty()).filter(|end| end + 1 < parts.len()) {
                let envelope = (0..=end).filter_map(|_| into.pop_front()).collect();
                self.asker = Some(Asker { pipe: Some(id), envelope });
                return Ok(());
            }
        }
    }
}
