package merkle

// Prover makes many proofs from tiles that it reads once, which is what lets a
// test try every one.
type Prover struct{ p prover }

func NewProver(size uint64, source Source) *Prover {
	return &Prover{p: prover{size: size, source: source}}
}

func (p *Prover) Inclusion(index uint64) ([]Hash, error) { return p.p.inclusion(index) }

func (p *Prover) Consistency(old uint64) ([]Hash, error) { return p.p.consistency(old) }
