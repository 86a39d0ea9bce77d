package unsubscribe

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"time"

	"github.com/trothdev/troth"
)

// formTicket stands in for a link where nobody has one.
func (p *Pages) formTicket(r *http.Request) (Ticket, error) {
	k := Ticket{Tenant: p.c.Home}
	if p.c.Tenant == nil {
		return k, nil
	}
	var err error
	k.Tenant, err = p.c.Tenant(r)
	return k, err
}

func (p *Pages) showForm(w http.ResponseWriter, r *http.Request, t localTexts) {
	k, err := p.formTicket(r)
	if err != nil {
		p.fail(w, t)
		return
	}
	p.formPage(p.words(t, p.namesOf(r.Context(), k.Tenant, t), ""), k, Place{}, false).write(w, http.StatusOK)
}

func (p *Pages) formPage(w *words, k Ticket, chosen Place, invalid bool) *page {
	page := w.plain(w.StopTitle, w.StopAsk)
	page.Form = &pageForm{
		AddressLabel: w.StopAddress, AddressType: "email", AddressKind: "email", Legend: w.fill(w.StopScope), Options: scopeOptions(w, places(k)),
		Act: actStop, Button: w.fill(w.StopButton),
	}
	for i, at := range places(k) {
		if chosen != (Place{}) {
			page.Form.Options[i].Checked = at == chosen
		}
	}
	wrong := w.StopInvalid
	mails := slices.Contains(p.c.FormChannels, Email)
	if numbers := slices.ContainsFunc(p.c.FormChannels, byNumber); numbers && mails {
		page.Form.AddressLabel, page.Form.AddressType, page.Form.AddressKind = w.StopEither, "text", "on"
		wrong = w.StopInvalidEither
	} else if numbers {
		page.Form.AddressLabel, page.Form.AddressType, page.Form.AddressKind = w.StopNumber, "tel", "tel"
		wrong = w.StopInvalidNumber
	}
	if invalid {
		page.Error, page.Form.Invalid = w.fill(wrong), true
	}
	return page
}

// postForm stops messages to an address that somebody types in. It is the same for
// every address that can be one, in what it does, in what it says and, within a
// step, in how long it takes: nobody learns who is written to. It lets anybody stop
// messages to anybody, as a letter or a call would; the limit bounds that.
func (p *Pages) postForm(w http.ResponseWriter, r *http.Request, t localTexts) {
	start := time.Now()
	form, bad := readForm(w, r, p.patience)
	if bad != nil {
		p.refuse(w, t, bad.status)
		return
	}
	if !p.forms.allow(network(p.client(r))) {
		p.tooMany(w, t, formWindow)
		return
	}
	k, err := p.formTicket(r)
	if err != nil {
		p.fail(w, t)
		return
	}
	words := p.words(t, p.namesOf(r.Context(), k.Tenant, t), "")
	at, chosen := placeOf(k, form[scopeField])
	if !chosen || form.Get(actField) != actStop || len(form[addressField]) != 1 {
		p.refuse(w, t, http.StatusBadRequest)
		return
	}
	address := form.Get(addressField)
	k.Address = troth.Protect(address)
	on := p.formChannels(address)
	if len(on) == 0 {
		p.formPage(words, k, at, true).write(w, http.StatusUnprocessableEntity)
		return
	}
	err = p.stopByForm(r, k, at, on)
	waitForStep(r, start, p.pace)
	if err != nil {
		p.fail(w, t)
		return
	}
	words.plain(words.DoneTitle, words.StopDone).write(w, http.StatusOK)
}

// formDay is how long the form makes one event of what is said again and again.
const formDay = 24 * time.Hour

// byNumber reports whether the form can stop a channel by a telephone number.
func byNumber(c Channel) bool { return c == SMS || c == Messenger }

// formChannels are those of the form's that an address can be one of, by what it looks
// like.
func (p *Pages) formChannels(address string) []Channel {
	var on []Channel
	for _, c := range p.c.FormChannels {
		as := c
		if byNumber(c) {
			as = SMS // a messenger has names too, which nobody is asked for
		}
		if _, err := Normalise(as, address); err == nil {
			on = append(on, c)
		}
	}
	return on
}

// stopByForm records what the form says, on each channel or on none. Said again within a
// day, and not taken back since, it is the same event: nobody fills the registry, or has
// providers told, by posting it.
func (p *Pages) stopByForm(r *http.Request, k Ticket, at Place, on []Channel) error {
	day := p.c.Registry.now().Truncate(formDay).Unix()
	return p.c.Registry.tx.Atomically(r.Context(), func(ctx context.Context) error {
		for _, c := range on {
			k.Channel = c
			keys, _, err := p.c.Registry.known(ctx, k.Tenant, c, k.Address)
			if err != nil {
				return err
			}
			// By the key, which tells nobody the address.
			token := fmt.Sprint("form ", keys.Client.Exact.Hex(), " ", day)
			if _, err := p.optOut(r.WithContext(ctx), k, token, at, ByForm); err != nil {
				return err
			}
		}
		return nil
	})
}
