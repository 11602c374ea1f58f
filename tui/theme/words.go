package theme

import "fmt"

// Word names a text of the interface.
type Word string

// Words is the texts of one language.
type Words struct {
	lang  string
	texts map[Word]string
}

// NewWords returns the texts of a language; English when there are none.
func NewWords(lang string) *Words {
	texts, ok := catalogue[lang]
	if !ok {
		return &Words{lang: "en", texts: english}
	}
	return &Words{lang: lang, texts: texts}
}

// catalogue holds the texts by language.
var catalogue = map[string]map[Word]string{"en": english, "ko": korean}

// Lang is the language, as "en".
func (w *Words) Lang() string { return w.lang }

// Say is a text, with its arguments filled in.
func (w *Words) Say(word Word, args ...any) string {
	text, ok := w.texts[word]
	if !ok {
		return string(word)
	}
	if len(args) == 0 {
		return text
	}
	return fmt.Sprintf(text, args...)
}

// Catalogue is every text of every language, for tests.
func Catalogue() map[string]map[Word]string { return catalogue }
