"""A registry as the engine's, as far as rules look at it: for tests of rule logic, which need no native module."""

from __future__ import annotations

from collections.abc import Mapping
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


REGISTRY: dict[str, dict[str, Any]] = {
    "modbus": {
        "name": "modbus",
        "functions": rows(FUNCTIONS),
        "sub_functions": rows(SUB_FUNCTIONS),
        "rejections": rows(REJECTIONS),
        "anomalies": [{"name": name, "about": "-"} for name in ANOMALIES],
        "point_kinds": [{"name": name} for name in KINDS],
    },
    "s7comm": {
        "name": "s7comm",
        "functions": rows({4: "read_var", 5: "write_var"}),
        "sub_functions": [],
        "rejections": [],
        "anomalies": [],
        "point_kinds": [{"name": name} for name in ("data_block", "memory")],
    },
    "umas": {"name": "umas", "functions": rows(UMAS), "sub_functions": [], "rejections": [], "anomalies": [], "point_kinds": []},
}
