"""How a report comes about, and what it can't say: the same words in every form."""

from __future__ import annotations

from typing import Final

METHOD: Final = (
    "Packets were read as they were captured; nothing was sent. TCP streams were put in order, frames that a mirror showed twice were "
    "counted once, and each exchange of an industrial protocol was decoded into client, server, function, points, values and outcome.",
    "The policy places each side in a zone by its most specific declaration. Inside a zone everything is allowed unless the zone denies "
    "it; between zones everything is denied unless a conduit allows it, down to the point and its value where the conduit says so.",
    "Every occurrence was judged and counted. A violation names the line of the policy that decided, the packets of its first occurrences "
    "and the last, and what became of it: accepted or rejected by the device, attempted (no answer came), or unknown (no answer seen).",
    "Where what decides was not seen, an occurrence is neither allowed nor a violation: it is listed as insufficient evidence.",
    "Coverage is the sum of what the flows themselves show: both directions, bytes missing from streams, payload that could not be "
    "read, encryption, connections that began before the capture, frames shown twice, and packets that the capturing host reports as lost.",
    "What people decided of a finding (accepted, fixed, suppressed for a time) stands in reports from the store, by whom and why; it "
    "changes no count. A report over captures alone knows of no decisions.",
    "A line of a conduit counts as used when an operation was seen that it grants, or may grant by protocol, access, function and points.",
)
LIMITS: Final = (
    "The report speaks of what passed the capture points while they captured. It knows nothing of other paths and other times.",
    "Of protocols that are not dissected only who, whom and which port is judged; what ran inside such a connection is not.",
    "Of encrypted sessions the content is not judged.",
    "An address is taken for the asset that the policy declares for it. An address that somebody forged is that of the forged asset.",
    "Capture hosts do not always report what they lost; missing bytes in streams show most of it, not all.",
    "ARP is left out: it resolves addresses, and no conduit speaks of it.",
)
