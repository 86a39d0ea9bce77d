package merkle

// arenaBlock is the number of values that are allocated at once.
const arenaBlock = 1 << 10

// arenaLimit is the number of values to which a ref can point.
const arenaLimit = 1<<31 - 1

// arena is a growing list of values that never move, without room left over
// that a slice doubled for nothing, and without pointers for the collector to
// follow.
type arena[T any] struct {
	n      int
	blocks []*[arenaBlock]T
}

// add appends a zero value.
func (a *arena[T]) add() (int, *T) {
	if a.n == arenaLimit {
		panic("merkle: a map of more than 2^31 leaves or nodes")
	}
	if a.n == len(a.blocks)*arenaBlock {
		a.blocks = append(a.blocks, new([arenaBlock]T))
	}
	a.n++
	return a.n - 1, a.at(a.n - 1)
}

func (a *arena[T]) at(i int) *T { return &a.blocks[i/arenaBlock][i%arenaBlock] }
