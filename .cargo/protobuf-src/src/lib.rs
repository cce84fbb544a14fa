//! A prebuilt `protoc` for the build scripts of lance, so that a build needs neither protoc, cmake nor a C++ compiler.

use std::path::PathBuf;

/// Path of the `protoc` executable for the machine that builds.
pub fn protoc() -> PathBuf {
    protoc_bin_vendored::protoc_bin_path().expect("protoc-bin-vendored carries a protoc for this platform")
}

/// Folder of the well-known `.proto` files that belong to it.
pub fn include() -> PathBuf {
    protoc_bin_vendored::include_path().expect("protoc-bin-vendored carries the well-known .proto files")
}
