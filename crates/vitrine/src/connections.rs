//! What one client may hold: so many connections, and each only for as long as it takes what it is sent.

use std::collections::HashMap;
use std::io::{self, ErrorKind, IoSlice};
use std::net::{IpAddr, Ipv6Addr};
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Instant, Sleep, sleep_until};
use vitrine_access::forwarded::TrustedProxies;

/// How long a client may take for [`TAKEN_BYTES_MIN`] of an answer that waits for it.
pub(crate) const PATIENCE: Duration = Duration::from_mins(1);
/// Less than this in [`PATIENCE`] (270 bytes a second) is no slow line: modems were ten times as fast.
const TAKEN_BYTES_MIN: usize = 16 * 1024;
/// Connections of one address, or of one /64 network: an eighth of all. Browsers open six each, so that
/// some hundred people behind one address look at models at the same moment.
const CONNECTIONS_OF_ADDRESS_MAX: usize = 1_024;

/// Counts connections by where they come from.
#[derive(Clone)]
pub(crate) struct Crowd {
    held: Arc<Mutex<HashMap<IpAddr, usize>>>,
    proxies: Arc<TrustedProxies>,
}

/// One counted connection; on drop it is over.
pub(crate) struct Guest {
    crowd: Crowd,
    address: Option<IpAddr>,
}

impl Crowd {
    /// Connections of these proxies are other people's and not counted, nor are those of this machine.
    pub(crate) fn new(proxies: TrustedProxies) -> Self {
        Self {
            held: Arc::default(),
            proxies: Arc::new(proxies),
        }
    }

    /// Lets a connection in, unless its address has enough of them.
    pub(crate) fn admit(&self, peer: IpAddr) -> Option<Guest> {
        let peer = peer.to_canonical();
        let counted = !peer.is_loopback() && !self.proxies.trusts(peer);
        let address = counted.then(|| network_of(peer));
        if let Some(address) = address {
            let mut held = self.lock();
            let count = held.entry(address).or_default();
            if *count >= CONNECTIONS_OF_ADDRESS_MAX {
                return None;
            }
            *count += 1;
        }
        Some(Guest {
            crowd: self.clone(),
            address,
        })
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<IpAddr, usize>> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Guest {
    fn drop(&mut self) {
        let Some(address) = self.address else { return };
        let mut held = self.crowd.lock();
        if let Some(count) = held.get_mut(&address) {
            *count -= 1;
            if *count == 0 {
                held.remove(&address);
            }
        }
    }
}

/// Providers hand out whole /64 networks of IPv6.
fn network_of(address: IpAddr) -> IpAddr {
    match address {
        IpAddr::V4(_) => address,
        IpAddr::V6(address) => IpAddr::V6(Ipv6Addr::from_bits(
            address.to_bits() & !u128::from(u64::MAX),
        )),
    }
}

/// A connection that ends when its client does not take what it is sent.
pub(crate) struct Steady<S> {
    stream: S,
    patience: Duration,
    /// Runs from the moment on when something waited for the client, until nothing waits any more.
    window: Option<Pin<Box<Sleep>>>,
    taken: usize,
}

impl<S: AsyncWrite + Unpin> Steady<S> {
    pub(crate) fn new(stream: S, patience: Duration) -> Self {
        Self {
            stream,
            patience,
            window: None,
            taken: 0,
        }
    }

    fn watched(
        &mut self,
        context: &mut Context<'_>,
        written: Poll<io::Result<usize>>,
    ) -> Poll<io::Result<usize>> {
        match written {
            Poll::Ready(Ok(bytes)) => {
                self.taken = self.taken.saturating_add(bytes);
                Poll::Ready(Ok(bytes))
            }
            Poll::Pending => self.wait(context).map(Err),
            failed @ Poll::Ready(Err(_)) => failed,
        }
    }

    /// Ready with the error that ends the connection.
    fn wait(&mut self, context: &mut Context<'_>) -> Poll<io::Error> {
        let patience = self.patience;
        loop {
            let window = self.window.get_or_insert_with(|| {
                self.taken = 0;
                Box::pin(sleep_until(Instant::now() + patience))
            });
            if window.as_mut().poll(context).is_pending() {
                return Poll::Pending;
            }
            if self.taken < TAKEN_BYTES_MIN {
                return Poll::Ready(ErrorKind::TimedOut.into());
            }
            self.window = None;
        }
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Steady<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(context, buffer)
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Steady<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write(context, bytes);
        self.watched(context, written)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        pieces: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write_vectored(context, pieces);
        self.watched(context, written)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    /// Called when all that was there to write is written: nothing waits for the client.
    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.window = None;
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt, duplex};
    use vitrine_access::forwarded::ForwardedHeader;

    use super::*;

    #[test]
    fn an_address_has_n_connections_and_no_more_until_one_ends() {
        let proxies = TrustedProxies::parse_all(&["10.0.0.1"], ForwardedHeader::default());
        let crowd = Crowd::new(proxies.unwrap());
        let come = |peer: &str| crowd.admit(peer.parse().unwrap());
        for (first, same, other) in [
            ("192.0.2.1", "::ffff:192.0.2.1", "192.0.2.2"),
            ("2001:db8::1", "2001:db8::2:3", "2001:db8:0:1::1"),
        ] {
            let mut guests: Vec<_> = (0..CONNECTIONS_OF_ADDRESS_MAX)
                .map(|_| come(first).unwrap())
                .collect();
            assert!(come(first).is_none() && come(same).is_none());
            assert!(come(other).is_some());
            guests.pop();
            assert!(come(same).is_some());
        }
        assert!(crowd.lock().is_empty(), "whoever left is forgotten");
        for uncounted in ["127.0.0.1", "::1", "10.0.0.1"] {
            let guests: Vec<_> = (0..=CONNECTIONS_OF_ADDRESS_MAX)
                .map(|_| come(uncounted).unwrap())
                .collect();
            assert!(guests.len() > CONNECTIONS_OF_ADDRESS_MAX);
        }
    }

    #[tokio::test]
    async fn a_client_that_takes_nothing_loses_its_connection() {
        let (ours, theirs) = duplex(64);
        let mut ours = Steady::new(ours, Duration::from_millis(1));
        let refused = ours.write_all(&[0; 65]).await.unwrap_err();
        assert_eq!(refused.kind(), ErrorKind::TimedOut);
        drop(theirs);
    }

    #[tokio::test]
    async fn a_client_that_takes_everything_gets_everything() {
        let (ours, mut theirs) = duplex(64);
        let mut ours = Steady::new(ours, Duration::from_hours(1));
        let sent = vec![7; TAKEN_BYTES_MIN * 4];
        let mut taken = Vec::new();
        let sending = async {
            ours.write_all(&sent).await.unwrap();
            ours.flush().await.unwrap();
            assert!(ours.window.is_none());
            drop(ours);
        };
        let (read, ()) = tokio::join!(theirs.read_to_end(&mut taken), sending);
        assert_eq!((read.unwrap(), taken.len()), (sent.len(), sent.len()));
    }
}
