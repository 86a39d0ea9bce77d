package vault_test

import (
	"context"
	"fmt"

	"github.com/trothdev/troth/vault"
)

// openEpochal gives another program a vault with epochs.
func (c *child) openEpochal(config childConfig) (err error) {
	c.kit, err = wireEpochs(c.ctx, c.db, config.Database, vault.WithFenceAge(config.FenceAge))
	return err
}

// answerEpochal answers what is asked of a program with epochs.
func (c *child) answerEpochal(r request) (known bool, err error) {
	switch r.Op {
	case "advance":
		_, err = c.kit.Vault.Advance(c.ctx)
	case "rotate":
		_, err = c.kit.Vault.Rotate(c.ctx, shop)
	case "rewrap":
		for done := false; err == nil && !done; {
			var re vault.Rewrapped
			re, err = c.kit.Vault.Rewrap(c.ctx, vault.RewrapParams{Keys: 100, Batch: 10})
			done = re.Done
		}
	default:
		return false, nil
	}
	return true, err
}

// rewrapToil moves keys in small steps, slowly enough to be killed between any
// two of them, and tells what it has done.
func (c *child) rewrapToil(out *report) error {
	for {
		r, err := c.kit.Vault.Rewrap(context.WithoutCancel(c.ctx), vault.RewrapParams{Keys: 12, Batch: 5})
		if err != nil {
			return err
		}
		if err := out.print(deed{Subject: fmt.Sprint(r.Moved)}); err != nil {
			return err
		}
		if r.Done {
			select {} // until it is killed
		}
	}
}
