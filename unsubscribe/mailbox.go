package unsubscribe

import (
	"bytes"
	_ "embed"
	"encoding/json"
	"strings"
	"sync"
)

// mailboxData says which addresses lead to one mailbox, provider by provider. It has
// a version: entries keep the mailbox that they were made with, and new look-ups
// also find them by their exact form.
//
//go:embed data/mailboxes.json
var mailboxData []byte

type mailboxRule struct {
	Domains []string `json:"domains"`
	// Domain replaces all of them, if it is given.
	Domain string `json:"domain"`
	// Ignore are bytes of the local part that the provider does not look at, Tag
	// begins what it cuts off.
	Ignore string `json:"ignore"`
	Tag    string `json:"tag"`
}

type mailboxRules struct {
	Version int `json:"version"`
	byName  map[string]*mailboxRule
}

var mailboxes = sync.OnceValue(func() *mailboxRules {
	var file struct {
		Version int           `json:"version"`
		Rules   []mailboxRule `json:"rules"`
	}
	if err := json.Unmarshal(mailboxData, &file); err != nil {
		panic("unsubscribe: rules of mailboxes: " + err.Error())
	}
	all := &mailboxRules{Version: file.Version, byName: map[string]*mailboxRule{}}
	for i := range file.Rules {
		for _, domain := range file.Rules[i].Domains {
			all.byName[domain] = &file.Rules[i]
		}
	}
	return all
})

// MailboxVersion is the version of the rules that tell which addresses of a provider
// lead to one mailbox.
func MailboxVersion() int { return mailboxes().Version }

// appendMailbox appends the mailbox of an exact address, whose @ stands at at.
// differs is false, and nothing was appended, if that is the address itself.
func appendMailbox(dst, exact []byte, at int) (out []byte, differs bool) {
	rule := mailboxes().byName[string(exact[at+1:])]
	if rule == nil {
		return dst, false
	}
	local := exact[:at]
	if rule.Tag != "" {
		if cut := bytes.Index(local, []byte(rule.Tag)); cut > 0 {
			local = local[:cut]
		}
	}
	start := len(dst)
	for _, b := range local {
		if strings.IndexByte(rule.Ignore, b) < 0 {
			dst = append(dst, b)
		}
	}
	if len(dst) == start { // nothing is left: no provider has such a mailbox
		return dst, false
	}
	dst = append(dst, '@')
	if rule.Domain != "" {
		dst = append(dst, rule.Domain...)
	} else {
		dst = append(dst, exact[at+1:]...)
	}
	if bytes.Equal(dst[start:], exact) {
		return dst[:start], false
	}
	return dst, true
}
