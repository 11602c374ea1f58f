package checks

import "maps"

// Text is what a person reads, by language ("en", "ko"). A pack writes either one string, which is English, or a map.
type Text map[string]string

// English is a Text in English only.
func English(s string) Text {
	if s == "" {
		return nil
	}
	return Text{"en": s}
}

// In is the text in a language, or in English when there is no other, or any when there is no English either.
func (t Text) In(lang string) string {
	if s, ok := t[lang]; ok {
		return s
	}
	if s, ok := t["en"]; ok {
		return s
	}
	for _, lang := range sortedKeys(t) {
		return t[lang]
	}
	return ""
}

// Empty reports whether there is nothing to read in any language.
func (t Text) Empty() bool {
	for _, s := range t {
		if s != "" {
			return false
		}
	}
	return true
}

// Equal reports whether two texts say the same in every language.
func (t Text) Equal(o Text) bool { return maps.Equal(t, o) }
