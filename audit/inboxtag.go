package audit

import (
	"context"
	"crypto/hmac"
	"fmt"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/internal/canon"
)

// inboxKey is the key of the tags of inbox rows, one for all tenants: the
// sequencer reads rows of all of them.
var inboxKey = troth.KeyRef{Tenant: troth.Platform, Use: "audit.inbox", ID: "1"}

// inboxDomain names what a tag is a keyed hash of, and its version.
const inboxDomain = "troth.audit.inbox/1"

// inboxTag computes what authenticates an envelope while it waits. Tenant, id
// and time stand in the envelope.
func (t *Trail) inboxTag(ctx context.Context, envelope []byte) ([32]byte, error) {
	m := canon.AppendDomain(nil, inboxDomain)
	tag, err := t.keys.MAC(ctx, inboxKey, canon.AppendBytes(m, envelope))
	if err != nil {
		return tag, fmt.Errorf("audit: authenticate entry: %w", err)
	}
	return tag, nil
}

// recordedHere reports whether the trail wrote the row's envelope.
func (t *Trail) recordedHere(ctx context.Context, row InboxRow) (bool, error) {
	tag, err := t.inboxTag(ctx, row.Envelope)
	return err == nil && hmac.Equal(tag[:], row.Tag[:]), err
}
