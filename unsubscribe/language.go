package unsubscribe

import (
	"cmp"
	"slices"
	"strconv"
	"strings"
)

const (
	maxAcceptLanguage = 512
	maxLanguageRanges = 16
)

// pickLanguage chooses among languages, whose tags are in lower case, what an
// Accept-Language header likes best: the look-up of RFC 4647, 3.4, in which
// "de-CH-1996" is content with "de-ch" and then "de". Where nothing fits it is
// or.
func pickLanguage(header string, have func(tag string) bool, or string) string {
	if len(header) > maxAcceptLanguage {
		return or
	}
	for _, r := range languageRanges(header) {
		if r.tag == "*" {
			return or
		}
		for tag := r.tag; tag != ""; tag = shorterTag(tag) {
			if have(tag) {
				return tag
			}
		}
	}
	return or
}

// shorterTag drops the last part of a tag, and a single letter in front of it.
func shorterTag(tag string) string {
	i := strings.LastIndexByte(tag, '-')
	if i < 0 {
		return ""
	}
	tag = tag[:i]
	if j := strings.LastIndexByte(tag, '-'); j >= 0 && len(tag)-j == 2 {
		tag = tag[:j]
	}
	return tag
}

type languageRange struct {
	tag     string
	quality float64
}

// languageRanges are those that are wanted, best first; equal ones in the order
// in which they stand.
func languageRanges(header string) []languageRange {
	var all []languageRange
	for part := range strings.SplitSeq(header, ",") {
		if len(all) == maxLanguageRanges {
			break
		}
		tag, params, _ := strings.Cut(part, ";")
		r := languageRange{tag: strings.ToLower(strings.TrimSpace(tag)), quality: 1}
		if q, ok := strings.CutPrefix(strings.ToLower(strings.TrimSpace(params)), "q="); ok {
			v, err := strconv.ParseFloat(q, 64)
			if err != nil || !(v >= 0 && v <= 1) {
				continue
			}
			r.quality = v
		}
		if r.tag != "" && r.quality > 0 {
			all = append(all, r)
		}
	}
	slices.SortStableFunc(all, func(a, b languageRange) int { return cmp.Compare(b.quality, a.quality) })
	return all
}
