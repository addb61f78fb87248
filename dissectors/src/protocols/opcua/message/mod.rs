//! The wire: chunks and the messages of the connection, built-in types, services.

pub mod attributes;
pub mod build;
pub mod descriptions;
pub mod discovery;
pub mod history;
pub mod methods;
pub mod monitored;
pub mod nodes;
pub mod query;
pub mod reader;
pub mod services;
pub mod sessions;
pub mod structures;
pub mod subscriptions;
pub mod text;
pub mod transport;
pub mod types;
pub mod variant;
pub mod view;
