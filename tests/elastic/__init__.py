"""Shipping against a real Elasticsearch, started from Maven Central's integ-test distribution (a licence for tests: never shipped).

`FIELDTAP_ELASTICSEARCH=9.2.0 FIELDTAP_ELASTICSEARCH_JAVA=<a JDK 21 or newer>` takes a server 9. `FIELDTAP_KILLS=100` kills as often as the
long run does (`make test-elastic`); CI kills less often.
"""
