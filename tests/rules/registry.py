"""A registry as the engine's, as far as rules look at it: for tests of rule logic, which need no native module."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

FUNCTIONS = {
    1: "read_coils", 3: "read_holding_registers", 5: "write_single_coil", 6: "write_single_register", 8: "diagnostics",
    15: "write_multiple_coils", 16: "write_multiple_registers", 23: "read_write_multiple_registers", 43: "encapsulated_interface_transport",
}  # fmt: skip
SUB_FUNCTIONS = {
    (8, 1): "restart_communications_option", (8, 4): "force_listen_only_mode", (8, 10): "clear_counters_and_diagnostic_register",
    (8, 20): "clear_overrun_counter_and_flag", (43, 14): "read_device_identification",
}  # fmt: skip
UMAS = {
    0x10: "take_plc_reservation", 0x30: "initialize_upload", 0x31: "upload_block", 0x32: "end_strategy_upload", 0x33: "initialize_download",
    0x34: "download_block", 0x35: "end_strategy_download", 0x40: "start_plc", 0x41: "stop_plc",
}  # fmt: skip
REJECTIONS = {
    1: "illegal_function",
    2: "illegal_data_address",
    3: "illegal_data_value",
    4: "server_device_failure",
    10: "gateway_path_unavailable",
    11: "gateway_target_device_failed_to_respond",
}
ANOMALIES = ("invalid_length", "invalid_quantity", "invalid_value")
KINDS = ("coil", "discrete_input", "holding_register", "input_register")


def rows(names: Mapping[Any, str]) -> list[dict[str, Any]]:
    """Rows of a table."""
    return [{"code": code, "name": name} for code, name in names.items()]


S7 = {
    0x04: "read_var", 0x05: "write_var", 0x07: "userdata", 0x1A: "request_download", 0x1D: "start_upload", 0x28: "pi_service",
    0x29: "plc_stop", 0xE0: "cotp_connect",
}  # fmt: skip
S7_SUB_FUNCTIONS = (
    "P_PROGRAM", "_INSE", "_DELE", "modify_variable", "force", "alarm_8_lock",
    "set_clock", "set_clock_following",
)  # fmt: skip
S7_PLUS = {
    0x04BB: "explore", 0x04CA: "create_object", 0x04D4: "delete_object", 0x04F2: "set_variable", 0x0542: "set_multi_variables",
    0x054C: "get_multi_variables", 0x057C: "set_var_sub_streamed", 0x0586: "get_var_sub_streamed",
}  # fmt: skip
S7_PLUS_SUB_FUNCTIONS = ("operating_state_request", "set_clock", "legitimate", "legitimation_response")


def named(names: Iterable[str]) -> list[dict[str, Any]]:
    """Rows of a table whose codes no rule asks for."""
    return [{"name": name} for name in names]


REGISTRY: dict[str, dict[str, Any]] = {
    "modbus": {
        "name": "modbus",
        "functions": rows(FUNCTIONS),
        "sub_functions": rows(SUB_FUNCTIONS),
        "rejections": rows(REJECTIONS),
        "anomalies": [{"name": name, "about": "-"} for name in ANOMALIES],
        "point_kinds": [{"name": name} for name in KINDS],
    },
    "umas": {"name": "umas", "functions": rows(UMAS), "sub_functions": [], "rejections": [], "anomalies": [], "point_kinds": []},
    "s7comm": {
        "name": "s7comm",
        "functions": rows(S7),
        "sub_functions": named(S7_SUB_FUNCTIONS),
        "rejections": [],
        "anomalies": [],
        "point_kinds": named(("data_block", "memory", "output", "organization_block")),
    },
    "s7commplus": {
        "name": "s7commplus",
        "functions": rows(S7_PLUS),
        "sub_functions": named(S7_PLUS_SUB_FUNCTIONS),
        "rejections": [],
        "anomalies": [],
        "point_kinds": [],
    },
}
