// Package index holds who is blocked, in the memory of one process: keyed hashes of
// addresses, and for each of them marks that say what is blocked and why.
//
// An [Index] is a base and an overlay. The base never changes: sorted keys, a
// directory that finds the few among which a key must be, and a split-block Bloom
// filter in front of both (Putze, Sanders, Singler: Cache-, Hash- and Space-Efficient
// Bloom Filters, 2007), which answers "nothing known" for nearly everybody with one
// line of the processor's cache. The overlay is a small table of keys whose marks
// changed since; [Index.Merge] makes a new base of both. Reading takes no lock and
// allocates nothing.
//
// Keys must be the output of a pseudorandom function, as HMAC-SHA-256 is: their bits
// are used where other tables would hash.
//
// # Size
//
// An entry is a key with one mark. In the base it takes 32 bytes for the key, 4 for
// the mark, 1 for the directory and 1.5 for the filter; in the overlay about 120.
// While Merge runs there are two bases.
package index

// Key is the keyed hash of an address.
type Key = [KeySize]byte

// KeySize is the length of a key.
const KeySize = 32
