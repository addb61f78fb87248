//! Sub-functions of userdata, by group. Group 4 follows Wireshark's names: others take an operator's acknowledgement for an indication.

use super::{USERDATA, sub};
use crate::protocols::SubFunctionRow;
use crate::transaction::Access;

/// All that are known.
pub const SUB_FUNCTIONS: [SubFunctionRow; 65] = [
    sub(USERDATA, Some(0), 0, "stop", Access::Report),
    sub(USERDATA, Some(0), 1, "warm_restart", Access::Report),
    sub(USERDATA, Some(0), 2, "run", Access::Report),
    sub(USERDATA, Some(0), 3, "hot_restart", Access::Report),
    sub(USERDATA, Some(0), 4, "hold", Access::Report),
    sub(USERDATA, Some(0), 6, "cold_restart", Access::Report),
    sub(USERDATA, Some(0), 9, "run_redundant", Access::Report),
    sub(USERDATA, Some(0), 11, "link_up", Access::Report),
    sub(USERDATA, Some(0), 12, "update", Access::Report),
    sub(USERDATA, Some(1), 1, "block_status", Access::Read),
    sub(USERDATA, Some(1), 2, "variable_status", Access::Read),
    sub(USERDATA, Some(1), 3, "output_istack", Access::Read),
    sub(USERDATA, Some(1), 4, "output_bstack", Access::Read),
    sub(USERDATA, Some(1), 5, "output_lstack", Access::Read),
    sub(USERDATA, Some(1), 6, "time_measurement", Access::Read),
    sub(USERDATA, Some(1), 7, "force_selection", Access::Read),
    sub(USERDATA, Some(1), 8, "modify_variable", Access::Write),
    sub(USERDATA, Some(1), 9, "force", Access::Write),
    sub(USERDATA, Some(1), 10, "breakpoint", Access::Mode),
    sub(USERDATA, Some(1), 11, "exit_hold", Access::Mode),
    sub(USERDATA, Some(1), 12, "memory_reset", Access::Mode),
    sub(USERDATA, Some(1), 13, "disable_job", Access::Configure),
    sub(USERDATA, Some(1), 14, "enable_job", Access::Configure),
    sub(USERDATA, Some(1), 15, "delete_job", Access::Configure),
    sub(USERDATA, Some(1), 16, "read_job_list", Access::Read),
    sub(USERDATA, Some(1), 17, "read_job", Access::Read),
    sub(USERDATA, Some(1), 18, "replace_job", Access::Configure),
    sub(USERDATA, Some(1), 19, "block_status_2", Access::Read),
    sub(USERDATA, Some(1), 22, "flash_led", Access::Configure),
    sub(USERDATA, Some(2), 1, "cyclic_transfer", Access::Read),
    sub(USERDATA, Some(2), 4, "unsubscribe", Access::Session),
    sub(USERDATA, Some(2), 5, "change_driven_transfer", Access::Read),
    sub(USERDATA, Some(2), 7, "change_driven_transfer_modify", Access::Read),
    sub(USERDATA, Some(2), 8, "read_record", Access::Read),
    sub(USERDATA, Some(3), 1, "list_blocks", Access::Identify),
    sub(USERDATA, Some(3), 2, "list_blocks_of_type", Access::Identify),
    sub(USERDATA, Some(3), 3, "block_info", Access::Identify),
    sub(USERDATA, Some(4), 1, "read_szl", Access::Identify),
    sub(USERDATA, Some(4), 2, "message_service", Access::Configure),
    sub(USERDATA, Some(4), 3, "diagnostic_message", Access::Report),
    sub(USERDATA, Some(4), 5, "alarm_8_indication", Access::Report),
    sub(USERDATA, Some(4), 6, "notify_indication", Access::Report),
    sub(USERDATA, Some(4), 7, "alarm_8_lock", Access::Configure),
    sub(USERDATA, Some(4), 8, "alarm_8_unlock", Access::Configure),
    sub(USERDATA, Some(4), 9, "scan_indication", Access::Report),
    sub(USERDATA, Some(4), 11, "alarm_ack", Access::Configure),
    sub(USERDATA, Some(4), 12, "alarm_ack_indication", Access::Report),
    sub(USERDATA, Some(4), 13, "alarm_lock_indication", Access::Report),
    sub(USERDATA, Some(4), 14, "alarm_unlock_indication", Access::Report),
    sub(USERDATA, Some(4), 17, "alarm_sq_indication", Access::Report),
    sub(USERDATA, Some(4), 18, "alarm_s_indication", Access::Report),
    sub(USERDATA, Some(4), 19, "alarm_query", Access::Read),
    sub(USERDATA, Some(4), 22, "notify_8_indication", Access::Report),
    sub(USERDATA, Some(5), 1, "password", Access::Configure),
    sub(USERDATA, Some(7), 1, "read_clock", Access::Read),
    sub(USERDATA, Some(7), 2, "set_clock", Access::Configure),
    sub(USERDATA, Some(7), 3, "read_clock_following", Access::Read),
    sub(USERDATA, Some(7), 4, "set_clock_following", Access::Configure),
    sub(USERDATA, Some(15), 1, "request_download", Access::Program),
    sub(USERDATA, Some(15), 2, "download_block", Access::Program),
    sub(USERDATA, Some(15), 3, "continue_download", Access::Program),
    sub(USERDATA, Some(15), 4, "download_ended", Access::Program),
    sub(USERDATA, Some(15), 6, "start_upload", Access::Program),
    sub(USERDATA, Some(15), 7, "upload", Access::Program),
    sub(USERDATA, Some(15), 8, "continue_upload", Access::Program),
];

/// Names of the groups.
pub fn group_name(group: u8) -> Option<&'static str> {
    Some(match group {
        0 => "mode_transition",
        1 => "programmer_commands",
        2 => "cyclic_services",
        3 => "block_functions",
        4 => "cpu_functions",
        5 => "security",
        6 => "bsend_brecv",
        7 => "time_functions",
        15 => "nc_programming",
        _ => return None,
    })
}

/// What a sub-function without a row does cannot be known; where the whole group does one kind of thing it is that.
pub fn group_access(group: u8) -> Access {
    match group {
        0 => Access::Report,
        2 => Access::Read,
        3 => Access::Identify,
        6 => Access::Write,
        15 => Access::Program,
        _ => Access::Configure,
    }
}
