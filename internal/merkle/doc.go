// Package merkle holds the two trees of the trail as pure functions and values
// over bytes: the RFC 6962 log, with its tiles and proofs, and the map that
// says which entry was each tenant's last. Nothing here reads or stores
// anything by itself.
//
// # Log
//
// A leaf hash is SHA-256(0x00 || data), a node SHA-256(0x01 || left || right),
// the root of nothing SHA-256 of nothing. Tiles are those of C2SP tlog-tiles
// with a height of 8: tile n of level k holds the hashes of the nodes of height
// 8k from number 256n on. [Range] is the least from which the log can go on;
// [Frontier] adds the tiles of the right edge, and gives out what a batch has
// to write. [Inclusion] and [Consistency] make proofs from tiles, for the
// newest size and for every older one; [VerifyInclusion] and
// [VerifyConsistency] judge proofs of strangers.
//
// The verifying half is our own and not x/mod's, which never returns for trees
// above 2^62 leaves: a size is read from text that anybody may have written.
// The tests hold both against each other.
//
// # Map
//
// [Map] is a binary trie over the bits of 32-byte keys, first bit of the first
// byte first, in which every subtree with a single leaf is that leaf:
//
//	empty subtree              32 zero bytes
//	subtree with one leaf      SHA-256(0x00 || key || value)
//	subtree with more leaves   SHA-256(0x01 || side of bit 0 || side of bit 1)
//
// So the root depends on the pairs alone and not on the order of their arrival.
//
// Absence cannot be forged, nor presence. Where a key stands follows from its
// bits alone, and what stands there is told by the hash's preimage: that of a
// node begins with 0x01, that of a leaf with 0x00, and nobody knows one of the
// zeros. Walking down from one root along the bits of one key, every step is
// therefore forced, and so is the end of the walk: the key's own leaf, another
// key's leaf, which would have had to make room for this key if it were there,
// or an empty place. A root under which both a presence and an absence, or two
// values, could be shown for one key needs a collision of SHA-256, even if who
// made the root did not build it by these rules.
//
// # Concurrency
//
// [TileCache] may be used by many goroutines at once. Everything else belongs
// to one at a time.
package merkle
