"""Documents: what the sensor knows in the words of the Elastic Common Schema. One table (fields.tsv) makes the documents, the Elasticsearch
mapping, the JSON Schema and the field reference."""
