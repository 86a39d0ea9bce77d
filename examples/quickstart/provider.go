package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"sync"

	"github.com/trothdev/troth/unsubscribe/httpprovider"
)

// provider plays the shop's mail provider, over HTTP.
type provider struct {
	server *httptest.Server

	mu         sync.Mutex
	suppressed map[string]bool
	contacts   map[string]bool
}

func newProvider() (*provider, *httpprovider.Provider, error) {
	p := &provider{suppressed: map[string]bool{}, contacts: map[string]bool{}}
	p.server = httptest.NewServer(p)
	client, err := httpprovider.New(p.server.URL)
	if err != nil {
		p.server.Close()
	}
	return p, client, err
}

func (p *provider) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	var body struct{ Address string }
	if err := json.NewDecoder(r.Body).Decode(&body); err != nil {
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	switch r.URL.Path {
	case "/suppressions":
		p.suppressed[body.Address] = true
	case "/removals":
		delete(p.contacts, body.Address)
	case "/lookups":
		fmt.Fprintf(w, `{"suppressed":%v,"contact":%v}`, p.suppressed[body.Address], p.contacts[body.Address])
	}
}

func (p *provider) add(address string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.contacts[address] = true
}

func (p *provider) has(address string) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.contacts[address]
}

func (p *provider) suppresses(address string) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.suppressed[address]
}
