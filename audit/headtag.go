package audit

import (
	"context"
	"crypto/hmac"
	"fmt"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/internal/canon"
)

// headKey is the key of the tags of heads.
var headKey = troth.KeyRef{Tenant: troth.Platform, Use: "audit.head", ID: "1"}

// headDomain names what the tag of a head is a keyed hash of, and its version.
const headDomain = "troth.audit.head/1"

// headTag computes what authenticates a head. Whether it is closed, and how much
// was pruned, is for verification to find out.
func (t *Trail) headTag(ctx context.Context, h Head) ([32]byte, error) {
	m := canon.AppendDomain(nil, headDomain)
	m = canon.AppendUint(m, uint64(h.Log))
	m = canon.AppendText(m, h.Origin)
	m = canon.AppendUint(m, h.Size)
	m = canon.AppendBytes(m, h.Root[:])
	m = canon.AppendBytes(m, h.Salt[:])
	m = canon.AppendText(m, h.Signer)
	tag, err := t.keys.MAC(ctx, headKey, m)
	if err != nil {
		return tag, fmt.Errorf("audit: authenticate head: %w", err)
	}
	return tag, nil
}

// checkHead returns a *DamageError for a head that the trail did not write.
func (t *Trail) checkHead(ctx context.Context, h Head) error {
	tag, err := t.headTag(ctx, h)
	if err != nil {
		return err
	}
	if !hmac.Equal(tag[:], h.Tag[:]) {
		return &DamageError{h.Log, "head", "log " + itoa(h.Log), "was not written by this trail"}
	}
	return nil
}

// moveHead moves a head from where it stands to another state of the same log.
func (t *Trail) moveHead(ctx context.Context, from, to Head) (moved bool, err error) {
	tag, err := t.headTag(ctx, to)
	if err != nil {
		return false, err
	}
	moved, err = t.store.MoveHead(ctx, HeadMove{
		Log: from.Log, FromSize: from.Size, FromRoot: from.Root, FromSigner: from.Signer,
		Size: to.Size, Root: to.Root, Signer: to.Signer, Tag: tag,
	})
	if err != nil {
		return false, fmt.Errorf("audit: move head: %w", err)
	}
	return moved, nil
}
