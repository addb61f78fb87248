//! From the two halves of a call to the record that leaves: headers, then what each service has.

use super::build::Build;
use super::types::{NodeId, Read, Reader};
use super::{attributes, discovery, history, methods, monitored, nodes, query, sessions, subscriptions, view};
use crate::protocols::opcua::tables::services::service;
use crate::transaction::Value;

/// Both bodies, behind their headers.
#[derive(Clone, Copy)]
pub struct Halves<'a> {
    /// The request, where it was seen.
    pub request: Option<Reader<'a>>,
    /// The response, where it was seen and is no fault.
    pub response: Option<Reader<'a>>,
}

/// What stands before every request (Part 4, 7.33).
#[derive(Debug, Clone, Copy)]
pub struct RequestHeader<'a> {
    /// The session.
    pub token: NodeId<'a>,
    /// The client's number for the call.
    pub handle: u32,
    /// Diagnostics that are wanted.
    pub diagnostics: u32,
    /// The client's name for it in the server's audit log.
    pub audit: Option<&'a [u8]>,
    /// The client's patience, ms; 0 for none told.
    pub timeout: u32,
}

impl<'a> RequestHeader<'a> {
    /// Reads it.
    #[inline]
    pub fn read(body: &mut Reader<'a>) -> Read<Self> {
        let token = body.node_id()?;
        body.u64()?;
        let header = RequestHeader {
            token,
            handle: body.u32()?,
            diagnostics: body.u32()?,
            audit: body.bytes()?,
            timeout: body.u32()?,
        };
        body.extension()?;
        Ok(header)
    }
}

/// What stands before every response (Part 4, 7.34).
#[derive(Debug, Clone, Copy)]
pub struct ResponseHeader<'a> {
    /// The client's number for the call.
    pub handle: u32,
    /// How it ended.
    pub result: u32,
    /// Diagnostics of the service.
    pub diagnostics: Value<'a>,
    /// Texts that diagnostics point to.
    pub strings: Value<'a>,
}

impl<'a> ResponseHeader<'a> {
    /// Reads it.
    #[inline]
    pub fn read(body: &mut Reader<'a>) -> Read<Self> {
        body.u64()?;
        let (handle, result) = (body.u32()?, body.u32()?);
        let diagnostics = body.diagnostic()?;
        let strings = body.strings()?;
        body.extension()?;
        Ok(ResponseHeader { handle, result, diagnostics, strings })
    }
}

/// Reads what a service has.
#[inline]
pub fn compose<'a>(service: u32, build: &mut Build<'a>, halves: &Halves<'a>) {
    match service {
        service::READ => attributes::read(build, halves),
        service::PUBLISH => subscriptions::publish(build, halves),
        service::WRITE => attributes::write(build, halves),
        _ => others(service, build, halves),
    }
}

fn others<'a>(service: u32, build: &mut Build<'a>, halves: &Halves<'a>) {
    match service {
        service::OPEN_SECURE_CHANNEL => sessions::open_channel(build, halves),
        service::CLOSE_SECURE_CHANNEL => sessions::close_channel(build, halves),
        service::FIND_SERVERS => discovery::find_servers(build, halves),
        service::FIND_SERVERS_ON_NETWORK => discovery::on_network(build, halves),
        service::GET_ENDPOINTS => discovery::get_endpoints(build, halves),
        service::REGISTER_SERVER => discovery::register(build, halves),
        service::REGISTER_SERVER2 => discovery::register2(build, halves),
        service::CREATE_SESSION => sessions::create(build, halves),
        service::ACTIVATE_SESSION => sessions::activate(build, halves),
        service::CLOSE_SESSION => sessions::close(build, halves),
        service::CANCEL => sessions::cancel(build, halves),
        service::ADD_NODES => nodes::add(build, halves),
        service::ADD_REFERENCES => nodes::add_references(build, halves),
        service::DELETE_NODES => nodes::delete(build, halves),
        service::DELETE_REFERENCES => nodes::delete_references(build, halves),
        service::BROWSE => view::browse(build, halves),
        service::BROWSE_NEXT => view::browse_next(build, halves),
        service::TRANSLATE_BROWSE_PATHS => view::translate(build, halves),
        service::REGISTER_NODES => view::register(build, halves),
        service::UNREGISTER_NODES => view::unregister(build, halves),
        service::QUERY_FIRST => query::first(build, halves),
        service::QUERY_NEXT => query::next(build, halves),
        service::HISTORY_READ => history::read(build, halves),
        service::HISTORY_UPDATE => history::update(build, halves),
        service::CALL => methods::call(build, halves),
        service::CREATE_MONITORED_ITEMS => monitored::create(build, halves),
        service::MODIFY_MONITORED_ITEMS => monitored::modify(build, halves),
        service::SET_MONITORING_MODE => monitored::set_mode(build, halves),
        service::SET_TRIGGERING => monitored::set_triggering(build, halves),
        service::DELETE_MONITORED_ITEMS => monitored::delete(build, halves),
        service::CREATE_SUBSCRIPTION => subscriptions::create(build, halves),
        service::MODIFY_SUBSCRIPTION => subscriptions::modify(build, halves),
        service::SET_PUBLISHING_MODE => subscriptions::set_publishing_mode(build, halves),
        service::REPUBLISH => subscriptions::republish(build, halves),
        service::TRANSFER_SUBSCRIPTIONS => subscriptions::transfer(build, halves),
        service::DELETE_SUBSCRIPTIONS => subscriptions::delete(build, halves),
        _ => sessions::sizes(build, halves),
    }
}
