package merkle

import "errors"

var (
	// ErrRange means that a size or an index does not fit the tree, or not the
	// other one.
	ErrRange = errors.New("merkle: size or index out of range")
	// ErrTile means that a source gave fewer hashes than the tile has, or a
	// piece of one.
	ErrTile = errors.New("merkle: tile is too short or cut")
	// ErrRoot means that what was read does not have the root that was expected.
	ErrRoot = errors.New("merkle: hashes do not have this root")
	// ErrProof means that a proof does not show what it should.
	ErrProof = errors.New("merkle: proof does not hold")
)
