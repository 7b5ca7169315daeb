"""The configuration and the theme of the generated site, file by file."""

from __future__ import annotations

CONFIG = """\
baseURL = "https://www.example.org/"
title = "A site of some size"
theme = "plain"
enableRobotsTXT = true
summaryLength = 30

[pagination]
pagerSize = 12

[services.rss]
limit = 20

[taxonomies]
tag = "tags"
category = "categories"
author = "authors"

[markup.goldmark.renderer]
unsafe = true

[menus]
main = [
  {name = "Posts", pageRef = "/posts", weight = 1},
  {name = "Guides", pageRef = "/guides", weight = 2},
  {name = "Products", pageRef = "/products", weight = 3},
  {name = "News", pageRef = "/news", weight = 4},
]

[params]
description = "Pages enough to take Hugo a while"
"""

THEME = {
    "layouts/_default/baseof.html": """\
<!doctype html>
<html lang="{{ site.Language.Lang }}">
<head>{{ partial "head.html" . }}</head>
<body class="{{ .Kind }} {{ .Section }}">
  {{ partial "header.html" . }}
  <main id="main">{{ block "main" . }}{{ end }}</main>
  {{ partial "footer.html" . }}
</body>
</html>
""",
    "layouts/index.html": """\
{{ define "main" }}
<section class="hero"><h1>{{ .Title }}</h1>{{ .Content }}</section>
{{ range site.Sections }}
<section>
  <h2><a href="{{ .RelPermalink }}">{{ .Title }}</a></h2>
  <div class="cards">{{ range first 6 .RegularPages.ByDate.Reverse }}\
{{ partial "card.html" . }}{{ end }}</div>
</section>
{{ end }}
{{ end }}
""",
    "layouts/_default/single.html": """\
{{ define "main" }}
<article>
  <header>
    <h1>{{ .Title }}</h1>
    {{ partial "meta.html" . }}
  </header>
  {{ partial "toc.html" . }}
  {{ .Content }}
  {{ partial "terms.html" . }}
  {{ partial "related.html" . }}
  <nav class="beside">
    {{ with .PrevInSection }}<a rel="prev" href="{{ .RelPermalink }}">{{ .Title }}</a>{{ end }}
    {{ with .NextInSection }}<a rel="next" href="{{ .RelPermalink }}">{{ .Title }}</a>{{ end }}
  </nav>
</article>
{{ end }}
""",
    "layouts/_default/list.html": """\
{{ define "main" }}
<h1>{{ .Title }}</h1>
{{ .Content }}
{{ $pages := .Paginate .RegularPages.ByDate.Reverse }}
<div class="cards">{{ range $pages.Pages }}{{ partial "card.html" . }}{{ end }}</div>
{{ partial "pages.html" . }}
{{ end }}
""",
    "layouts/_default/taxonomy.html": """\
{{ define "main" }}
<h1>{{ .Title }}</h1>
<ul class="terms">{{ range .Data.Terms.ByCount }}
  <li><a href="{{ .Page.RelPermalink }}">{{ .Page.Title }}</a> ({{ .Count }})</li>{{ end }}
</ul>
{{ end }}
""",
    "layouts/partials/head.html": """\
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{{ if .IsHome }}{{ site.Title }}{{ else }}{{ .Title }} | {{ site.Title }}{{ end }}</title>
<meta name="description" \
content="{{ or .Description .Summary site.Params.description | plainify }}">
<link rel="canonical" href="{{ .Permalink }}">
<meta property="og:title" content="{{ .Title }}">
<meta property="og:url" content="{{ .Permalink }}">
<meta property="og:type" content="{{ if .IsPage }}article{{ else }}website{{ end }}">
{{ range .AlternativeOutputFormats }}
<link rel="{{ .Rel }}" type="{{ .MediaType.Type }}" href="{{ .Permalink }}">
{{ end }}
{{ with resources.Get "css/main.css" }}
{{ with . | minify | fingerprint }}
<link rel="stylesheet" href="{{ .RelPermalink }}" integrity="{{ .Data.Integrity }}">
{{ end }}
{{ end }}
{{ if .IsPage }}
<script type="application/ld+json">
{{ dict "@context" "https://schema.org" "@type" "Article" "headline" .Title "url" .Permalink \
"datePublished" (.Date.Format "2006-01-02") | jsonify | safeJS }}
</script>
{{ end }}
""",
    "layouts/partials/header.html": """\
<header class="site">
  <a class="home" href="{{ "/" | relURL }}">{{ site.Title }}</a>
  <nav>{{ $page := . }}{{ range site.Menus.main }}
    <a href="{{ .URL }}"{{ if $page.HasMenuCurrent "main" . }} class="here"{{ end }}>\
{{ .Name }}</a>{{ end }}
  </nav>
</header>
""",
    "layouts/partials/footer.html": """\
<footer class="site">
  <p>{{ len site.RegularPages }} pages</p>
  <ul>{{ range first 10 site.Taxonomies.tags.ByCount }}
    <li><a href="{{ .Page.RelPermalink }}">{{ .Page.Title }}</a></li>{{ end }}
  </ul>
</footer>
""",
    "layouts/partials/card.html": """\
<article class="card">
  {{ with .Resources.GetMatch "cover.*" }}{{ with .Resize "240x" }}
  <img src="{{ .RelPermalink }}" width="{{ .Width }}" height="{{ .Height }}" alt="" loading="lazy">
  {{ end }}{{ end }}
  <h3><a href="{{ .RelPermalink }}">{{ .Title }}</a></h3>
  {{ partial "meta.html" . }}
  <p>{{ .Summary | plainify | truncate 160 }}</p>
</article>
""",
    "layouts/partials/meta.html": """\
<p class="meta"><time datetime="{{ .Date.Format "2006-01-02" }}">\
{{ .Date.Format "2 January 2006" }}</time> {{ .ReadingTime }} min, {{ .WordCount }} words</p>
""",
    "layouts/partials/pages.html": """\
{{ with .Paginator }}{{ if gt .TotalPages 1 }}
<nav class="pages">{{ range .Pagers }}
  <a href="{{ .URL }}">{{ .PageNumber }}</a>{{ end }}
</nav>
{{ end }}{{ end }}
""",
    "layouts/partials/related.html": """\
{{ with site.RegularPages.Related . | first 4 }}
<aside><h2>Related</h2><ul>{{ range . }}
  <li><a href="{{ .RelPermalink }}">{{ .Title }}</a></li>{{ end }}
</ul></aside>
{{ end }}
""",
    "layouts/partials/terms.html": """\
{{ $page := . }}
{{ range $name := slice "tags" "categories" "authors" }}
{{ with $page.GetTerms $name }}<ul class="{{ $name }}">{{ range . }}
  <li><a href="{{ .RelPermalink }}">{{ .LinkTitle }}</a></li>{{ end }}
</ul>{{ end }}
{{ end }}
""",
    "layouts/partials/toc.html": """\
{{ if gt (len .Fragments.Headings) 0 }}<details><summary>Contents</summary>\
{{ .TableOfContents }}</details>{{ end }}
""",
    "layouts/shortcodes/button.html": """\
<a class="button" href="{{ .Get "href" | relURL }}">{{ .Get "text" }}</a>
""",
    "layouts/shortcodes/cover.html": """\
{{ with .Page.Resources.GetMatch "cover.*" }}{{ $small := .Resize "320x" }}
<figure><img src="{{ $small.RelPermalink }}" srcset="{{ $small.RelPermalink }} 320w, \
{{ .RelPermalink }} {{ .Width }}w" alt="{{ $.Get 0 }}"></figure>
{{ end }}
""",
    "layouts/shortcodes/notice.html": """\
<div class="notice"><strong>{{ .Get 0 }}</strong>{{ .Inner | .Page.RenderString }}</div>
""",
    "assets/css/main.css": """\
:root { --ink: #222; --paper: #fff; --accent: #06c; }
body { color: var(--ink); background: var(--paper); font: 16px/1.5 system-ui, sans-serif; }
.cards { display: grid; grid-template-columns: repeat(auto-fill, minmax(240px, 1fr)); gap: 1rem; }
.card, .notice { border: 1px solid #ddd; border-radius: 4px; padding: 1rem; }
.button { background: var(--accent); color: var(--paper); padding: .5rem 1rem; }
""",
}
