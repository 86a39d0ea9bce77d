package auditmem

import (
	"bytes"
	"cmp"

	"github.com/trothdev/troth"
)

// entry is the key of what a tenant has one of for each id.
type entry struct {
	tenant troth.Tenant
	id     troth.EntryID
}

func (a entry) compare(b entry) int {
	return cmp.Or(cmp.Compare(a.tenant, b.tenant), bytes.Compare(a.id[:], b.id[:]))
}

// outcast is the key of the quarantine, to which the same id may come again.
type outcast struct {
	entry
	copy int
}

func (a outcast) compare(b outcast) int {
	return cmp.Or(a.entry.compare(b.entry), cmp.Compare(a.copy, b.copy))
}

// place is where an entry stands in a log.
type place struct {
	log   int
	index uint64
}

func (a place) compare(b place) int {
	return cmp.Or(cmp.Compare(a.log, b.log), cmp.Compare(a.index, b.index))
}

// number is where an entry stands among those of its tenant.
type number struct {
	tenant troth.Tenant
	log    int
	number uint64
}

func (a number) compare(b number) int {
	return cmp.Or(cmp.Compare(a.tenant, b.tenant), cmp.Compare(a.log, b.log), cmp.Compare(a.number, b.number))
}

// tile is where a tile stands.
type tile struct {
	log, level int
	n          uint64
}

func (a tile) compare(b tile) int {
	return cmp.Or(cmp.Compare(a.log, b.log), cmp.Compare(a.level, b.level), cmp.Compare(a.n, b.n))
}

// tenantLog is a tenant in a log.
type tenantLog struct {
	log    int
	tenant troth.Tenant
}

func (a tenantLog) compare(b tenantLog) int {
	return cmp.Or(cmp.Compare(a.log, b.log), cmp.Compare(a.tenant, b.tenant))
}

// sized is a log at a size.
type sized struct {
	log  int
	size uint64
}

func (a sized) compare(b sized) int {
	return cmp.Or(cmp.Compare(a.log, b.log), cmp.Compare(a.size, b.size))
}

// part is one part of the payload of an entry.
type part struct {
	entry
	n int
}

func (a part) compare(b part) int {
	return cmp.Or(a.entry.compare(b.entry), cmp.Compare(a.n, b.n))
}
