//! What is expected is counted, what is not is delivered (DESIGN.md, 2.1).
