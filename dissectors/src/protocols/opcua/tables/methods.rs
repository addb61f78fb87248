//! Methods of the standard's types whose kind of access is known (Part 5, 9, 10, 12, 18); any other may do anything a write may.

use crate::transaction::Access;

/// Whether arguments may be told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Secrets {
    /// All are told.
    None,
    /// They are passwords or keys.
    Arguments,
}

/// A method.
#[derive(Debug)]
pub struct Method {
    /// Its number in the standard's namespace.
    pub number: u32,
    /// Its name.
    pub name: &'static str,
    /// What it does.
    pub access: Access,
    /// Whether its arguments may be told.
    pub secrets: Secrets,
}

const fn method(number: u32, name: &'static str, access: Access) -> Method {
    Method { number, name, access, secrets: Secrets::None }
}

const fn secret(number: u32, name: &'static str) -> Method {
    Method { number, name, access: Access::Configure, secrets: Secrets::Arguments }
}

#[rustfmt::skip]
static METHODS: &[Method] = &[
    method(2426, "program_start", Access::Mode),
    method(2427, "program_suspend", Access::Mode),
    method(2428, "program_resume", Access::Mode),
    method(2429, "program_halt", Access::Mode),
    method(2430, "program_reset", Access::Mode),
    method(3875, "condition_refresh", Access::Read),
    method(9027, "condition_enable", Access::Configure),
    method(9028, "condition_disable", Access::Configure),
    method(9029, "condition_add_comment", Access::Write),
    method(9069, "dialog_respond", Access::Write),
    method(9111, "condition_acknowledge", Access::Write),
    method(9113, "condition_confirm", Access::Write),
    method(9211, "alarm_unshelve", Access::Configure),
    method(9212, "alarm_one_shot_shelve", Access::Configure),
    method(9213, "alarm_timed_shelve", Access::Configure),
    method(11492, "get_monitored_items", Access::Read),
    method(11580, "file_open", Access::Program),
    method(11583, "file_close", Access::Program),
    method(11585, "file_read", Access::Program),
    method(11588, "file_write", Access::Program),
    method(11590, "file_get_position", Access::Program),
    method(11593, "file_set_position", Access::Program),
    method(12543, "trust_list_open_with_masks", Access::Configure),
    method(12546, "trust_list_close_and_update", Access::Configure),
    method(12548, "trust_list_add_certificate", Access::Configure),
    method(12550, "trust_list_remove_certificate", Access::Configure),
    secret(12616, "update_certificate"),
    method(12647, "trust_list_open", Access::Configure),
    method(12650, "trust_list_close", Access::Configure),
    method(12652, "trust_list_read", Access::Configure),
    method(12655, "trust_list_write", Access::Configure),
    method(12663, "trust_list_open_with_masks", Access::Configure),
    method(12666, "trust_list_close_and_update", Access::Configure),
    method(12668, "trust_list_add_certificate", Access::Configure),
    method(12670, "trust_list_remove_certificate", Access::Configure),
    method(12731, "create_signing_request", Access::Configure),
    method(12734, "apply_changes", Access::Configure),
    method(12737, "create_signing_request", Access::Configure),
    method(12740, "apply_changes", Access::Configure),
    method(12749, "set_subscription_durable", Access::Session),
    method(12775, "get_rejected_list", Access::Read),
    method(12777, "get_rejected_list", Access::Read),
    method(12873, "resend_data", Access::Read),
    method(12886, "request_server_state_change", Access::Mode),
    method(12912, "condition_refresh2", Access::Read),
    method(13387, "file_create_directory", Access::Program),
    method(13390, "file_create_file", Access::Program),
    method(13393, "file_delete", Access::Program),
    method(13395, "file_move_or_copy", Access::Program),
    secret(13737, "update_certificate"),
    secret(24269, "add_user"),
    secret(24271, "modify_user"),
    method(24273, "remove_user", Access::Configure),
    secret(24275, "change_password"),
    secret(24304, "add_user"),
    secret(24306, "modify_user"),
    method(24308, "remove_user", Access::Configure),
    secret(24310, "change_password"),
];

/// A method by its number in the standard's namespace.
pub fn find(number: u32) -> Option<&'static Method> {
    let place = METHODS.binary_search_by_key(&number, |method| method.number).ok()?;
    METHODS.get(place)
}

#[cfg(test)]
mod tests {
    use super::METHODS;

    #[test]
    fn methods_are_sorted() {
        assert!(METHODS.is_sorted_by(|a, b| a.number < b.number));
    }
}
