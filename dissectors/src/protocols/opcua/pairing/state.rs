//! What is kept of a connection: its limits, its secure channel, its sessions, what they subscribed to.

use foldhash::fast::{FixedState, RandomState};
use hashbrown::HashMap;
use sha2::{Digest as _, Sha256};

use crate::protocols::opcua::certificate::Certificate;
use crate::protocols::opcua::message::build::place;
use crate::protocols::opcua::message::transport::Limits;
use crate::protocols::opcua::message::types::NodeId;
use crate::protocols::opcua::tables::security::{Mode, Policy, UserType};
use crate::transaction::{Access, Point, Values};

/// Sessions of one connection.
pub const MAX_SESSIONS: usize = 16;
/// Subscriptions of one connection.
pub const MAX_SUBSCRIPTIONS: usize = 256;
/// Monitored items of one connection.
pub const MAX_ITEMS: usize = 16_384;
/// Bytes of the names of monitored items of one connection.
pub const MAX_NAME_BYTES: usize = 1024 * 1024;
/// The life of a subscription that began before the capture, ns.
const UNKNOWN_LIFETIME: u64 = 3_600_000_000_000;
/// Continuation points of one connection.
pub const MAX_CONTINUATIONS: usize = 64;
/// Bytes of a text that is kept.
pub const MAX_TEXT: usize = 512;

/// A text, cut to what is kept.
pub fn kept(text: &[u8]) -> Box<[u8]> {
    text.get(..MAX_TEXT).unwrap_or(text).into()
}

/// All that is kept.
#[derive(Debug, Default)]
pub struct State {
    /// Limits.
    pub connection: Connection,
    /// The secure channel.
    pub channel: Channel,
    /// Sessions.
    pub sessions: Sessions,
    /// Subscriptions.
    pub subscriptions: Subscriptions,
    /// Where browsing goes on.
    pub continuations: Continuations,
    /// The connection was seen from its begin, and nothing was lost.
    pub complete: bool,
    /// The best security that the server offers, as far as it said.
    pub offered: Option<(Mode, u8)>,
}

/// What HEL and ACK said.
#[derive(Debug, Default)]
pub struct Connection {
    /// Of the client.
    pub client: Option<Limits>,
    /// Of the server.
    pub server: Option<Limits>,
}

/// The secure channel of the connection.
#[derive(Debug, Default)]
pub struct Channel {
    /// Its id, as soon as it is known.
    pub id: Option<u32>,
    /// Its opening was seen.
    pub seen: bool,
    /// The policy, where it is known and standardised.
    pub policy: Option<&'static Policy>,
    /// The URI of one that is not.
    pub policy_uri: Box<[u8]>,
    /// Signed, encrypted.
    pub mode: Mode,
    /// Messages can be read; `None` before the first.
    pub readable: Option<bool>,
    /// Tokens that the server issued, where that could be read: the last, the one before.
    pub issued: [Option<u32>; 2],
    /// Token of the last message of each side, and the one that it replaced.
    pub used: [[Option<u32>; 2]; 2],
    /// Renewals.
    pub renewals: u32,
    /// Certificates of client and server.
    pub certificates: [Option<Box<Certificate>>; 2],
    /// A number for how it is secured.
    pub tag: u32,
}

impl Channel {
    /// Bytes of a signature behind a readable message.
    #[inline]
    pub fn signature(&self) -> usize {
        match (self.mode, self.policy) {
            (Mode::Sign, Some(policy)) => policy.signature,
            _ => 0,
        }
    }

    /// Learns how it is secured.
    pub fn secure(&mut self, mode: Mode) {
        self.mode = mode;
        self.tag = tag(self, UserType::Unknown, &[]);
    }

    /// Whether the server offers better.
    pub fn is_downgraded(&self, offered: Option<(Mode, u8)>) -> bool {
        let rank = self.policy.map_or(u8::MAX, |policy| policy.rank);
        self.mode != Mode::Unknown && offered.is_some_and(|offered| offered > (self.mode, rank))
    }
}

/// A number for user and security, the same for the same, whatever was seen before: half of a digest, so that it needs no table.
/// 0 stands for nothing known.
pub fn tag(channel: &Channel, kind: UserType, user: &[u8]) -> u32 {
    if channel.mode == Mode::Unknown && kind == UserType::Unknown {
        return 0;
    }
    let mut digest = Sha256::new();
    let policy = channel.policy.map_or(&channel.policy_uri[..], |policy| policy.name.as_bytes());
    for part in [channel.mode.name().as_bytes(), policy, kind.name().as_bytes(), user] {
        digest.update(part);
        digest.update([0]);
    }
    let [a, b, c, d, ..] = <[u8; 32]>::from(digest.finalize());
    u32::from_be_bytes([a, b, c, d]).max(1)
}

/// A session.
#[derive(Debug, Default)]
pub struct Session {
    /// Digest of the authentication token, which itself is not kept.
    token: u64,
    /// Who the client is.
    pub application_uri: Box<[u8]>,
    /// The client's name for the session.
    pub name: Box<[u8]>,
    /// Where the client thinks that it is.
    pub endpoint_url: Box<[u8]>,
    /// How the user proved who it is.
    pub user_type: UserType,
    /// The user.
    pub user: Box<[u8]>,
    /// A number for user and security.
    pub tag: u32,
    /// When it was closed, ns: what was asked before is still its.
    closed: Option<u64>,
}

/// The sessions of a connection.
#[derive(Debug, Default)]
pub struct Sessions {
    list: Vec<Session>,
}

impl Sessions {
    #[inline]
    fn digest(token: &NodeId<'_>) -> u64 {
        use std::hash::BuildHasher as _;
        FixedState::default().hash_one(token)
    }

    /// The session of this token, for what was asked at a time (ns).
    #[inline]
    pub fn find(&self, token: &NodeId<'_>, asked: u64) -> Option<&Session> {
        let token = Self::digest(token);
        self.list.iter().find(|session| session.token == token && session.closed.is_none_or(|closed| asked <= closed))
    }

    /// The same, to be changed; made where there is none. True when another had to go for it.
    pub fn ensure(&mut self, token: &NodeId<'_>) -> (Option<&mut Session>, bool) {
        let token = Self::digest(token);
        let place = self.list.iter().position(|session| session.token == token);
        let full = place.is_none() && self.list.len() >= MAX_SESSIONS;
        let closed = self.list.iter().position(|session| session.closed.is_some());
        if full {
            self.list.remove(closed.unwrap_or_default());
        }
        let place = place.unwrap_or_else(|| {
            self.list.push(Session { token, ..Session::default() });
            self.list.len().saturating_sub(1)
        });
        let mut session = self.list.get_mut(place);
        if let Some(session) = &mut session {
            session.closed = None;
        }
        (session, full && closed.is_none())
    }

    /// Closes a session at a time (ns).
    pub fn close(&mut self, token: &NodeId<'_>, at: u64) {
        let token = Self::digest(token);
        if let Some(session) = self.list.iter_mut().find(|session| session.token == token) {
            session.closed = Some(at);
        }
    }
}

/// A node that is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Node {
    block: u32,
    first: u64,
    name: Option<Box<[u8]>>,
}

impl Node {
    /// Keeps a node.
    pub fn of(node: NodeId<'_>, arena: &bumpalo::Bump) -> Node {
        let (block, first, name) = place(node, arena);
        Node { block, first, name: name.map(Into::into) }
    }

    /// As a point.
    #[inline]
    pub fn point(&self, kind: u8, access: Access) -> Point<'_> {
        let Node { block, first, ref name } = *self;
        Point { kind, access, block, first, last: first, name: name.as_deref(), values: Values::Unseen, fields: &[] }
    }

    fn size(&self) -> usize {
        self.name.as_ref().map_or(0, |name| name.len())
    }
}

/// A monitored item.
#[derive(Debug)]
pub struct Item {
    /// The node.
    pub node: Node,
    /// Its attribute, as a kind of points.
    pub kind: u8,
    /// The server's number.
    id: u32,
}

#[derive(Debug, Default)]
struct Subscription {
    /// ns that it lives without a Publish.
    lifetime: u64,
}

/// What was subscribed to. Items are looked up by subscription and the client's handle, or the server's number.
#[derive(Debug, Default)]
pub struct Subscriptions {
    all: HashMap<u32, Subscription, RandomState>,
    items: HashMap<(u32, u32), Item, RandomState>,
    handles: HashMap<(u32, u32), u32, RandomState>,
    name_bytes: usize,
}

impl Subscriptions {
    /// A subscription lives; false when there are too many.
    pub fn create(&mut self, id: u32, lifetime: u64) -> bool {
        let fits = self.all.len() < MAX_SUBSCRIPTIONS || self.all.contains_key(&id);
        if fits {
            self.all.insert(id, Subscription { lifetime });
        }
        fits
    }

    /// An item is watched; false when there are too many. Its subscription may have begun before the capture.
    pub fn watch(&mut self, subscription: u32, handle: u32, id: u32, (node, kind): (Node, u8)) -> bool {
        let bytes = self.name_bytes.saturating_add(node.size());
        let known = self.all.contains_key(&subscription) || self.create(subscription, UNKNOWN_LIFETIME);
        let fits = known && self.items.len() < MAX_ITEMS && bytes <= MAX_NAME_BYTES;
        if fits {
            self.name_bytes = bytes;
            if let Some(old) = self.items.insert((subscription, handle), Item { node, kind, id }) {
                self.name_bytes = self.name_bytes.saturating_sub(old.node.size());
                self.handles.remove(&(subscription, old.id));
            }
            self.handles.insert((subscription, id), handle);
        }
        fits
    }

    /// The item of a notification.
    #[inline]
    pub fn item(&self, subscription: u32, handle: u32) -> Option<&Item> {
        self.items.get(&(subscription, handle))
    }

    /// A handle was changed: `id` is the server's number of the item.
    pub fn rename(&mut self, subscription: u32, id: u32, handle: u32) {
        let Some(old) = self.handles.get(&(subscription, id)).copied().filter(|old| *old != handle) else { return };
        if let Some(item) = self.items.remove(&(subscription, old)) {
            self.name_bytes = self.name_bytes.saturating_sub(item.node.size());
            self.watch(subscription, handle, id, (item.node, item.kind));
        }
    }

    /// An item is no longer watched.
    pub fn forget(&mut self, subscription: u32, id: u32) {
        let handle = self.handles.remove(&(subscription, id));
        if let Some(item) = handle.and_then(|handle| self.items.remove(&(subscription, handle))) {
            self.name_bytes = self.name_bytes.saturating_sub(item.node.size());
        }
    }

    /// A subscription ends.
    pub fn delete(&mut self, id: u32) {
        if self.all.remove(&id).is_none() {
            return;
        }
        let mut freed = 0_usize;
        self.items.retain(|(subscription, _), item| {
            freed = freed.saturating_add(if *subscription == id { item.node.size() } else { 0 });
            *subscription != id
        });
        self.handles.retain(|(subscription, _), _| *subscription != id);
        self.name_bytes = self.name_bytes.saturating_sub(freed);
    }

    /// The longest time, ns, that a subscription waits for a Publish; `None` where none is known.
    pub fn lifetime(&self) -> Option<u64> {
        self.all.values().map(|subscription| subscription.lifetime).max()
    }
}

/// Which nodes continuation points belong to: the server's bytes are kept as a digest.
#[derive(Debug, Default)]
pub struct Continuations {
    list: std::collections::VecDeque<(u64, Node)>,
}

impl Continuations {
    fn digest(point: &[u8]) -> u64 {
        use std::hash::BuildHasher as _;
        FixedState::default().hash_one(point)
    }

    /// The node of a continuation point.
    pub fn find(&self, point: &[u8]) -> Option<&Node> {
        let point = Self::digest(point);
        self.list.iter().rev().find(|entry| entry.0 == point).map(|entry| &entry.1)
    }

    /// Browsing of a node goes on there.
    pub fn insert(&mut self, point: &[u8], node: Node) {
        if self.list.len() >= MAX_CONTINUATIONS {
            self.list.pop_front();
        }
        self.list.push_back((Self::digest(point), node));
    }
}
