package audittest

import (
	"bytes"
	"errors"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/audit"
)

var errUndo = errors.New("audittest: undo")

// tenants that a careless collation takes for one another.
var tenants = []troth.Tenant{"acme", "Acme", "acme ", "acm\u00e9", "acme\u0301", "acme2", troth.Platform}

// entryID returns an id whose bytes are all n, so that the order is plain.
func entryID(n byte) (id troth.EntryID) {
	for i := range id {
		id[i] = n
	}
	return id
}

// entry returns a row whose content is told by n and the tenant.
func entry(tenant troth.Tenant, n byte) audit.InboxRow {
	row := audit.InboxRow{
		Tenant: tenant, ID: entryID(n), RecordedAt: 1_000_000 + int64(n),
		Envelope: append([]byte{0, n, 0xff, 0xfe, '\''}, tenant...),
	}
	row.Tag[0], row.Tag[31] = n, 0xfc
	return row
}

func same(a, b audit.InboxRow) bool {
	return a.Tenant == b.Tenant && a.ID == b.ID && a.RecordedAt == b.RecordedAt && a.Tag == b.Tag &&
		bytes.Equal(a.Envelope, b.Envelope)
}

// link returns a row whose content is told by n and the tenant.
func link(tenant troth.Tenant, n byte) audit.PseudonymRow {
	row := audit.PseudonymRow{
		PseudonymName: audit.PseudonymName{Tenant: tenant},
		Identity:      append([]byte{0, n, 0xff, 0xfe}, tenant...),
		CreatedAt:     1_000_000 + int64(n),
	}
	row.Lookup[0], row.Lookup[31] = n, 0xff
	row.Pseudonym[0], row.Pseudonym[15] = n, 0xfe
	row.Tag[0], row.Tag[31] = n, 0xfd
	return row
}

func sameLink(a, b audit.PseudonymRow) bool {
	return a.PseudonymName == b.PseudonymName && a.Pseudonym == b.Pseudonym && a.Tag == b.Tag &&
		bytes.Equal(a.Identity, b.Identity) && a.CreatedAt == b.CreatedAt
}
