// Package parsers opens inputs. What an input is, a capture, an strace log or
// a saved report, and how it is compressed, is told by its first bytes and
// never by its name.
//
// [Expand] turns directories into their files, [Open] gives the uncompressed
// bytes of one file with its [Kind]; package capture or strace then reads them.
//
// Limitations: gzip and zstd are read, other compressions are named and
// refused. A directory's own directories are not entered.
package parsers
