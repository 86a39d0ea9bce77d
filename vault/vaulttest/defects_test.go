package vaulttest

import (
	"errors"
	"slices"

	"github.com/trothdev/troth/vault"
)

// defect is one way to break the contract, and a check that must see it.
type defect struct {
	name   string
	caught string
	inject func(h *Harness)
}

// breaks replaces methods of the store.
func breaks(wrong func(sound vault.Backend, b *broken)) func(h *Harness) {
	return func(h *Harness) {
		b := whole(h.Backend)
		wrong(h.Backend, b)
		h.Backend = b
		h.Reopen = func() vault.Backend { return b }
	}
}

var errBroken = errors.New("broken on purpose")

var defects = slices.Concat(rootDefects, personDefects, keyDefects, shredDefects, otherDefects,
	epochDefects, renewDefects, moveDefects, rewrapDefects, kekDefects, generationDefects, backupKeyDefects, controlDefects, lineDefects, pageDefects)
