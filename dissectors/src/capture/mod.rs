//! Captures: files, folders and standard input, as frames in order of time.
