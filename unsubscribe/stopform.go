package unsubscribe

import (
	"fmt"
	"net/http"
	"time"

	"github.com/trothdev/troth"
)

// formTicket stands in for a link where nobody has one.
func (p *Pages) formTicket(r *http.Request) (Ticket, error) {
	k := Ticket{Tenant: p.c.Home, Channel: Email}
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
		AddressLabel: w.StopAddress, Legend: w.fill(w.StopScope), Options: scopeOptions(w, places(k)),
		Act: actStop, Button: w.fill(w.StopButton),
	}
	for i, at := range places(k) {
		if chosen != (Place{}) {
			page.Form.Options[i].Checked = at == chosen
		}
	}
	if invalid {
		page.Error, page.Form.Invalid = w.fill(w.StopInvalid), true
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
	if _, err := Normalise(Email, address); err != nil {
		p.formPage(words, k, at, true).write(w, http.StatusUnprocessableEntity)
		return
	}
	err = p.stopByForm(r, k, at)
	waitForStep(r, start, p.pace)
	if err != nil {
		p.fail(w, t)
		return
	}
	words.plain(words.DoneTitle, words.StopDone).write(w, http.StatusOK)
}

// formDay is how long the form makes one event of what is said again and again.
const formDay = 24 * time.Hour

// stopByForm records what the form says. Said again within a day, and not taken back
// since, it is the same event: nobody fills the registry, or has providers told, by
// posting it.
func (p *Pages) stopByForm(r *http.Request, k Ticket, at Place) error {
	keys, _, err := p.c.Registry.known(r.Context(), k.Tenant, k.Channel, k.Address)
	if err != nil {
		return err
	}
	day := p.c.Registry.now().Truncate(formDay).Unix()
	// By the key, which tells nobody the address.
	_, err = p.optOut(r, k, fmt.Sprint("form ", keys.Client.Exact.Hex(), " ", day), at, ByForm)
	return err
}
