"""Live capture, in network namespaces with veth pairs: frames are sent only there."""
