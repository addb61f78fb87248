//! Discovery (Part 4, 5.5): servers, endpoints with their security, registrations.

use super::build::Build;
use super::descriptions::{Application, Endpoint};
use super::monitored::id_statuses;
use super::services::Halves;
use super::structures;
use super::text::{self, field};
use super::types::{Read, Reader};
use crate::protocols::opcua::tables::security::application_type;
use crate::transaction::Value;

/// Adds a list of texts, where it has any.
fn texts<'a>(build: &mut Build<'a>, body: &mut Reader<'a>, name: &'static str) -> Read<()> {
    match body.texts()? {
        Value::List([]) => {}
        list => build.add(name, list),
    }
    Ok(())
}

/// FindServers.
pub fn find_servers<'a>(build: &mut Build<'a>, halves: &Halves<'a>) {
    build.read(halves.request, |build, body| {
        build.text("requested_url", body.bytes()?);
        texts(build, body, "locales")?;
        texts(build, body, "server_uris")
    });
    build.read(halves.response, |build, body| {
        let servers = body.list(28, |body| Ok(Application::read(body)?.value(body)))?;
        build.add("servers", servers);
        Ok(())
    });
}

/// GetEndpoints.
pub fn get_endpoints<'a>(build: &mut Build<'a>, halves: &Halves<'a>) {
    build.read(halves.request, |build, body| {
        build.text("requested_url", body.bytes()?);
        texts(build, body, "locales")?;
        texts(build, body, "profile_uris")
    });
    build.read(halves.response, endpoints);
}

/// A list of endpoints.
pub fn endpoints<'a>(build: &mut Build<'a>, body: &mut Reader<'a>) -> Read<()> {
    let list = body.list(Endpoint::LEAST, |body| Ok(Endpoint::read(body)?.value(body)))?;
    build.add("endpoints", list);
    Ok(())
}

/// FindServersOnNetwork.
pub fn on_network<'a>(build: &mut Build<'a>, halves: &Halves<'a>) {
    build.read(halves.request, |build, body| {
        build.number("starting_record", body.u32()?);
        build.number("max_records", body.u32()?);
        texts(build, body, "capabilities")
    });
    build.read(halves.response, |build, body| {
        build.add("last_counter_reset", body.time()?);
        let servers = body.list(16, |body| {
            let parts = [
                text::number("record", body.u32()?),
                field("server_name", body.text()?),
                field("discovery_url", body.text()?),
                field("capabilities", body.texts()?),
            ];
            Ok(Value::Object(body.arena.alloc_slice_copy(&parts)))
        })?;
        build.add("servers", servers);
        Ok(())
    });
}

/// RegisterServer.
pub fn register<'a>(build: &mut Build<'a>, halves: &Halves<'a>) {
    build.read(halves.request, registered);
    build.read(halves.response, |_, _| Ok(()));
}

/// RegisterServer2.
pub fn register2<'a>(build: &mut Build<'a>, halves: &Halves<'a>) {
    let mut asked = None;
    build.read(halves.request, |build, body| {
        registered(build, body)?;
        let mut count = 0_u32;
        let configuration = body.list(3, |body| {
            count = count.saturating_add(1);
            let extension = body.extension()?;
            Ok(structures::value(&extension, body))
        })?;
        build.add("discovery_configuration", configuration);
        asked = Some(count);
        Ok(())
    });
    build.read(halves.response, |build, body| id_statuses(build, body, "configuration_status_codes", asked));
}

/// A RegisteredServer.
fn registered<'a>(build: &mut Build<'a>, body: &mut Reader<'a>) -> Read<()> {
    build.text("server_uri", body.bytes()?);
    build.text("product_uri", body.bytes()?);
    let names = body.list(1, Reader::localized_text)?;
    build.add("server_names", names);
    build.word("application_type", application_type(body.u32()?));
    build.text("gateway_server_uri", body.bytes()?);
    texts(build, body, "discovery_urls")?;
    build.text("semaphore_file", body.bytes()?);
    let online = body.bool()?;
    build.add("online", Value::Bool(online));
    Ok(())
}
