package unsubscribe

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"fmt"
	"hash"
	"slices"
	"strconv"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/internal/canon"
)

const (
	addressKeyUse    = "unsubscribe.address"
	addressKeyDomain = "troth.unsubscribe.address-key/1"
	// formVersion begins what is hashed, and changes when Normalise does.
	formVersion byte = 1
)

// ring are the keys of one registry, one for each epoch so far. The key of an
// address is chained through all of them, so that stored keys can be changed without
// the addresses.
type ring struct {
	macs []hash.Hash
	sum  [sha256.Size]byte
}

// newRing derives the keys of a registry. They belong to the platform, so they
// outlive the tenant's own.
func newRing(ctx context.Context, keys troth.Keys, registry troth.Tenant, epoch uint32) (*ring, error) {
	r := &ring{}
	for i := range epoch {
		message := canon.AppendText(canon.AppendDomain(nil, addressKeyDomain), registry)
		// What one keyed hash gives is as good as a key: this one is used for nothing
		// else.
		ref := troth.KeyRef{Tenant: troth.Platform, Use: addressKeyUse, ID: strconv.Itoa(int(i) + 1)}
		key, err := keys.MAC(ctx, ref, message)
		if err != nil {
			return nil, fmt.Errorf("unsubscribe: key of addresses: %w", err)
		}
		r.macs = append(r.macs, hmac.New(sha256.New, key[:]))
	}
	return r, nil
}

func (r *ring) epoch() uint32 { return uint32(len(r.macs)) }

// key hashes a message.
func (r *ring) key(message []byte) (k Key) {
	for i, mac := range r.macs {
		if i > 0 {
			copy(r.sum[:], k[:])
			message = r.sum[:]
		}
		mac.Reset()
		mac.Write(message)
		copy(k[:], mac.Sum(r.sum[:0]))
	}
	return k
}

// wrap gives a key of an earlier epoch its form in this one.
func (r *ring) wrap(k Key, from uint32) Key {
	for _, mac := range r.macs[from:] {
		copy(r.sum[:], k[:])
		mac.Reset()
		mac.Write(r.sum[:])
		copy(k[:], mac.Sum(r.sum[:0]))
	}
	return k
}

// Hasher turns addresses of one client's contacts into keys: one keyed hash for each
// registry, and another where the mailbox is not the address itself. It serves one
// goroutine, and allocates nothing for an address in ASCII.
type Hasher struct {
	tenant             troth.Tenant
	client, everything *ring
	exactOnly          bool
	exact, mailbox     []byte
	// tags is the tag of the channel tagged.
	tagged Channel
	tags   keysTag
}

// Hasher returns a hasher for a client, under the keys that are in force now. What
// it makes names its epochs; see [Registry.Rekey].
func (r *Registry) Hasher(ctx context.Context, tenant troth.Tenant) (*Hasher, error) {
	if err := tenant.Validate(); err != nil {
		return nil, err
	}
	h := &Hasher{tenant: tenant, exactOnly: r.opt.exactOnly(tenant)}
	for _, one := range []struct {
		registry troth.Tenant
		to       **ring
	}{{tenant, &h.client}, {troth.Platform, &h.everything}} {
		epoch, err := r.store.Epoch(ctx, one.registry)
		if err != nil {
			return nil, fmt.Errorf("unsubscribe: read epoch: %w", err)
		}
		if *one.to, err = newRing(ctx, r.keys, one.registry, epoch); err != nil {
			return nil, err
		}
	}
	return h, nil
}

// Epochs are those of the keys that the hasher makes.
func (h *Hasher) Epochs() (client, everything uint32) { return h.client.epoch(), h.everything.epoch() }

// Keys returns the keys of an address, or [ErrAddress].
func (h *Hasher) Keys(c Channel, address string) (Keys, error) {
	differs, err := h.forms(c, address)
	if err != nil {
		return Keys{}, err
	}
	return Keys{
		Client:     h.pair(h.client, differs && !h.exactOnly),
		Everything: h.pair(h.everything, differs),
		tag:        h.tag(c),
	}, nil
}

// tag is that of the hasher's client and a channel.
func (h *Hasher) tag(c Channel) keysTag {
	if h.tagged != c {
		h.tagged, h.tags = c, tagOf(h.tenant, c)
	}
	return h.tags
}

// forms puts what is hashed into the hasher's room.
func (h *Hasher) forms(c Channel, address string) (differs bool, err error) {
	h.exact = append(h.exact[:0], formVersion, c.number())
	var at int
	if h.exact, at, err = appendExact(h.exact, c, address); err != nil {
		return false, err
	}
	if c == Email {
		h.mailbox = append(h.mailbox[:0], formVersion, c.number())
		h.mailbox, differs = appendMailbox(h.mailbox, h.exact[2:], at)
	}
	return differs, nil
}

func (h *Hasher) pair(r *ring, differs bool) Pair {
	p := Pair{Exact: r.key(h.exact), Epoch: r.epoch()}
	p.Mailbox = p.Exact
	if differs {
		p.Mailbox = r.key(h.mailbox)
	}
	return p
}

// Rewrap brings keys that a host kept from earlier epochs to those of the hasher. It
// returns [ErrEpoch] if they are newer, and [ErrKeys] if they are another client's.
func (h *Hasher) Rewrap(k Keys) (Keys, error) {
	if !slices.ContainsFunc(channels, func(c Channel) bool { return h.tag(c) == k.tag }) {
		return Keys{}, ErrKeys
	}
	for _, one := range []struct {
		r *ring
		p *Pair
	}{{h.client, &k.Client}, {h.everything, &k.Everything}} {
		if one.p.Epoch == 0 || one.p.Epoch > one.r.epoch() {
			return Keys{}, ErrEpoch
		}
		one.p.Exact, one.p.Mailbox = one.r.wrap(one.p.Exact, one.p.Epoch), one.r.wrap(one.p.Mailbox, one.p.Epoch)
		one.p.Epoch = one.r.epoch()
	}
	return k, nil
}
