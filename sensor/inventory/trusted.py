"""Declared and accepted data as policies and placeholders rest on them (DESIGN.md, 5): what is inferred never comes this far."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sensor.inventory.address import is_mac
from zones.model import Asset

if TYPE_CHECKING:
    from zones import Policy

_DECIDING = ("role", "zone", "tags")
"""What is declared of an asset and decides anything; its name alone does not."""


def kept_declarations(store: Path) -> tuple[Asset, ...]:
    """The declared assets of a store; none where there is no store, or it can't be read (whoever writes to it says so)."""
    from sensor.store import Store, StoreError

    if not store.exists():
        return ()
    try:
        with Store.open(store) as kept:
            return declared_assets(kept.declared())
    except StoreError:
        return ()


def declared_assets(declared: Mapping[str, Mapping[str, Mapping[str, Any]]]) -> tuple[Asset, ...]:
    """Devices with a role, zone or tags, in the order of their addresses; units behind them have none of their own."""
    made = []
    for address in sorted(declared):
        fields = {name: str(said["value"]) for name, said in declared[address].items()}
        if "/" in address or not any(name in fields for name in _DECIDING):
            continue
        mac = is_mac(address)
        tags = tuple(tag.strip() for tag in fields.get("tags", "").split(",") if tag.strip())
        made.append(
            Asset(
                f"declared {address}",
                () if mac else (address,),
                (address,) if mac else (),
                zone=fields.get("zone"),
                role=fields.get("role"),
                tags=tags,
            )
        )
    return tuple(made)


def joined(policy: Policy, assets: Sequence[Asset]) -> Policy:
    """The policy with these assets beside its own. Addresses that it declares itself stay as it says, and so does the place of an asset
    whose zone it doesn't know."""
    own = {address for asset in policy.assets.values() for address in (*asset.ips, *asset.macs)}
    added = {
        asset.name: asset if asset.zone in policy.zones else replace(asset, zone=None)
        for asset in assets
        if own.isdisjoint((*asset.ips, *asset.macs)) and asset.name not in policy.assets
    }
    return replace(policy, assets={**policy.assets, **added}) if added else policy
