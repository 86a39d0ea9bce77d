package sealedfile

import "golang.org/x/crypto/argon2"

// Params are the cost of one guess at the passphrase.
type Params struct {
	// Time is the number of passes over the memory.
	Time uint32
	// MemoryKiB is the memory in KiB.
	MemoryKiB uint32
	// Lanes is the number of lanes that may run at once.
	Lanes uint8
}

// Default is the second recommended choice of RFC 9106 section 4: three
// passes over 64 MiB in four lanes.
var Default = Params{Time: 3, MemoryKiB: 64 * 1024, Lanes: 4}

// WeakForTests makes files that anybody can open by guessing.
var WeakForTests = Params{Time: 1, MemoryKiB: 8, Lanes: 1}

// Bounds of what is made and, above all, of what a file may demand: a forged
// one must not make its reader run out of memory.
const (
	maxTime      = 16
	maxMemoryKiB = 512 * 1024
	maxLanes     = 16
)

// Validate returns a *[ParamsError] unless every parameter is within bounds:
// 1 to 16 passes, 1 to 16 lanes, 8 KiB per lane to 512 MiB of memory.
func (p Params) Validate() error {
	switch {
	case p.Time < 1 || p.Time > maxTime:
		return &ParamsError{Name: "time"}
	case p.Lanes < 1 || p.Lanes > maxLanes:
		return &ParamsError{Name: "lanes"}
	case p.MemoryKiB < 8*uint32(p.Lanes) || p.MemoryKiB > maxMemoryKiB:
		return &ParamsError{Name: "memory"}
	}
	return nil
}

// keys are what a passphrase is stretched into: one key opens the secret, the
// other recognises the passphrase.
type keys struct {
	seal, check []byte
}

func (p Params) stretch(passphrase string, salt []byte) keys {
	out := argon2.IDKey([]byte(passphrase), salt, p.Time, p.MemoryKiB, p.Lanes, 64)
	return keys{seal: out[:32], check: out[32:]}
}
