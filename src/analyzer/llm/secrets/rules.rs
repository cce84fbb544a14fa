//! What secrets look like. Each format is as its issuer documents it (named behind it); the patterns are this project's own. The
//! regex crate matches in time linear in the text, whatever the pattern. Repetitions have no upper bound where none is needed: each
//! step of a bound is a copy in the compiled automaton.

use std::sync::LazyLock;

use regex::Regex;

use super::judge::{always, has_digit, is_key, is_password, is_random};

/// One format. A part of the pattern in brackets is the secret; without one all of the match is.
pub(super) struct Rule {
    pub kind: &'static str,
    pub pattern: Regex,
    pub is_secret: fn(&str) -> bool,
}

type Format = (&'static str, &'static str, fn(&str) -> bool);

/// The rules, the more specific before the more general.
pub(super) fn all() -> &'static [Rule] {
    static RULES: LazyLock<Vec<Rule>> = LazyLock::new(|| {
        // a pattern that does not compile is caught by `every_pattern_compiles`
        let rule =
            |(kind, pattern, is_secret): Format| Some(Rule { kind, pattern: Regex::new(pattern).ok()?, is_secret });
        formats().into_iter().filter_map(rule).collect()
    });
    &RULES
}

pub(super) fn formats() -> Vec<Format> {
    [KEYS, CLOUDS, FORGES, MODELS, CHATS, PAYMENTS, SERVICES, TRANSPORTS, ASSIGNMENTS].concat()
}

/// Private keys as such.
const KEYS: &[Format] = &[
    // RFC 7468 (PEM), RFC 9580 section 6.2 (OpenPGP armor); also with `\n` written out, as in a service account's JSON
    (
        "private-key",
        r"(?s)-----BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----.*?-----END [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----",
        always,
    ),
    // the same, cut off before its end
    (
        "private-key",
        r#"-----BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----(?:(?:\s|\\n|\\r|["'+,\\])*[A-Za-z0-9+/=]{20,})+"#,
        always,
    ),
    // github.com/C2SP/C2SP age.md: Bech32 with this prefix
    ("age-key", r"AGE-SECRET-KEY-1[0-9A-Z]{58}", always),
];

const CLOUDS: &[Format] = &[
    // AWS IAM user guide, "IAM identifiers", unique ID prefixes
    ("aws-access-key-id", r"(?-u:\b)(?:AKIA|ASIA|ABIA|ACCA)[A-Z0-9]{16}(?-u:\b)", always),
    // AWS: 40 characters of base64; without a prefix, so recognised by the name before it
    (
        "aws-secret-access-key",
        r#"(?i)(?:aws|secret)[A-Za-z0-9_.-]{0,30}key["']?\s*(?::=|=>|=|:|,)\s*["']?([A-Za-z0-9/+]{40})(?:[^A-Za-z0-9/+=]|$)"#,
        always,
    ),
    // Google Cloud, "API keys": 39 characters
    ("google-api-key", r"(?-u:\b)AIza[A-Za-z0-9_-]{35}", always),
    // Google identity, OAuth 2.0: access tokens, client secrets
    ("google-oauth", r"(?-u:\b)(?:ya29\.[A-Za-z0-9_-]{20,}|GOCSPX-[A-Za-z0-9_-]{20,})", always),
    // Google Cloud, service account keys: the id stands next to the PEM
    ("gcp-service-account", r#""private_key_id"\s*:\s*"([0-9a-f]{40})""#, always),
    // Microsoft Learn, "Configure Azure Storage connection strings"; Service Bus and Event Hubs alike
    (
        "azure-connection-string",
        r#"(?i)(?:AccountKey|SharedAccessKey|SharedAccessSignature)\s*=\s*([^;"'\s]{20,})"#,
        always,
    ),
    // Microsoft Learn, shared access signatures: the `sig` field
    ("azure-sas", r"[?&]sig=([A-Za-z0-9%/+]{40,}(?:%3[Dd]|=)?)", always),
    // Microsoft Entra client secrets: `Q~` behind the third or fourth character and a digit
    ("azure-client-secret", r"(?-u:\b)[A-Za-z0-9_~.-]{3}[0-9]Q~[A-Za-z0-9_~.-]{31,34}", always),
    // docs.digitalocean.com, tokens: doo, dop, dor and 64 hex digits
    ("digitalocean-token", r"(?-u:\b)do[opr]_v1_[0-9a-f]{64}(?-u:\b)", always),
    // Alibaba Cloud AccessKey: prefix LTAI
    ("alibaba-access-key", r"(?-u:\b)LTAI[A-Za-z0-9]{12,26}(?-u:\b)", has_digit),
    // developers.cloudflare.com: Origin CA keys
    ("cloudflare-origin-key", r"(?-u:\b)v1\.0-[0-9a-f]{24}-[0-9a-f]{146}(?-u:\b)", always),
    // devcenter.heroku.com: tokens since 2023
    ("heroku-token", r"(?-u:\b)HRKU-[A-Za-z0-9_-]{36,}", always),
    // fly.io docs, access tokens
    ("fly-token", r"(?-u:\b)(?:fo1_[A-Za-z0-9_-]{40,}|fm[12][ar]?_[A-Za-z0-9+/=]{60,})", always),
    // developer.hashicorp.com: Vault 1.10 token prefixes; Terraform Cloud tokens
    ("vault-token", r"(?-u:\b)hv[sbr]\.[A-Za-z0-9_-]{24,}", always),
    ("terraform-token", r"(?-u:\b)[A-Za-z0-9]{14}\.atlasv1\.[A-Za-z0-9_-]{60,}", always),
    // docs.databricks.com, personal access tokens
    ("databricks-token", r"(?-u:\b)dapi[0-9a-f]{32}(?-u:\b)", always),
];

const FORGES: &[Format] = &[
    // github.blog, "Behind GitHub's new authentication token formats" (2021): ghp, gho, ghu, ghs, ghr
    ("github-token", r"(?-u:\b)gh[pousr]_[A-Za-z0-9]{36,}", always),
    // docs.github.com: fine-grained personal access tokens
    ("github-fine-grained-token", r"(?-u:\b)github_pat_[A-Za-z0-9_]{22,}", always),
    // docs.gitlab.com, "Token overview": prefixes
    (
        "gitlab-token",
        r"(?-u:\b)(?:gl(?:pat|dt|rt|rtr|cbt|ptt|ft|soat|agent|imt|oas|ffct|wt)-[A-Za-z0-9_.=-]{20,}|GR1348941[A-Za-z0-9_-]{20,})",
        always,
    ),
    // support.atlassian.com: API tokens of Atlassian and Bitbucket
    ("atlassian-token", r"(?-u:\b)AT(?:ATT|CTT|BB)[A-Za-z0-9_=+/-]{20,}", has_digit),
    // docs.npmjs.com, access tokens (2021 format)
    ("npm-token", r"(?-u:\b)npm_[A-Za-z0-9]{36}", always),
    // pypi.org/help: a macaroon behind `pypi-`
    ("pypi-token", r"(?-u:\b)pypi-[A-Za-z0-9_-]{50,}", always),
    // crates.io source, `util/token.rs`: `cio` and 32 characters
    ("crates-io-token", r"(?-u:\b)cio[A-Za-z0-9]{32}(?-u:\b)", has_digit),
    // guides.rubygems.org, API keys
    ("rubygems-key", r"(?-u:\b)rubygems_[0-9a-f]{48}(?-u:\b)", always),
    // learn.microsoft.com, NuGet API keys
    ("nuget-key", r"(?-u:\b)oy2[a-z0-9]{43}(?-u:\b)", always),
    // docs.docker.com, access tokens
    ("docker-token", r"(?-u:\b)dckr_(?:pat|oat)_[A-Za-z0-9_-]{20,}", always),
    // `auths` of a Docker config: base64 of user and password
    ("docker-auth", r#""auth"\s*:\s*"([A-Za-z0-9+/]{12,}={0,2})""#, always),
];

const MODELS: &[Format] = &[
    // docs.anthropic.com, Admin and API keys
    ("anthropic-key", r"(?-u:\b)sk-ant-[A-Za-z0-9]+-[A-Za-z0-9_-]{20,}", always),
    // openrouter.ai/docs, authentication
    ("openrouter-key", r"(?-u:\b)sk-or-v1-[0-9a-f]{32,}", always),
    // platform.openai.com: user, project, service account and admin keys
    ("openai-key", r"(?-u:\b)sk-(?:proj-|svcacct-|admin-|None-)?[A-Za-z0-9_-]{20,}", has_digit),
    // docs.x.ai
    ("xai-key", r"(?-u:\b)xai-[A-Za-z0-9]{20,}", has_digit),
    // console.groq.com, replicate.com, perplexity.ai docs
    ("groq-key", r"(?-u:\b)gsk_[A-Za-z0-9]{40,}", always),
    ("replicate-token", r"(?-u:\b)r8_[A-Za-z0-9]{37,}", always),
    ("perplexity-key", r"(?-u:\b)pplx-[A-Za-z0-9]{40,}", always),
    // huggingface.co/docs, user access tokens
    ("hugging-face-token", r"(?-u:\b)(?:hf|api_org)_[A-Za-z0-9]{30,}", always),
];

const CHATS: &[Format] = &[
    // api.slack.com, "Token types"
    ("slack-token", r"(?-u:\b)(?:xox[a-z](?:\.xox[a-z])?-[A-Za-z0-9-]{10,}|xapp-[0-9]-[A-Za-z0-9-]{20,})", has_digit),
    ("slack-webhook", r"https://hooks\.slack\.com/(?:services|workflows|triggers)/[A-Za-z0-9/_-]{20,}", always),
    // core.telegram.org/bots/api, "Authorizing your bot"
    ("telegram-bot-token", r"(?-u:\b)[0-9]{8,10}:AA[A-Za-z0-9_-]{32,34}", always),
    // discord.com/developers, "Authentication": base64 of the id, time, HMAC
    ("discord-bot-token", r"(?-u:\b)[MNO][A-Za-z0-9_-]{23,27}\.[A-Za-z0-9_-]{6}\.[A-Za-z0-9_-]{27,40}", always),
    (
        "discord-webhook",
        r"https://(?:ptb\.|canary\.)?discord(?:app)?\.com/api/(?:v[0-9]+/)?webhooks/[0-9]+/[A-Za-z0-9_-]{60,}",
        always,
    ),
    // learn.microsoft.com, incoming webhooks of Teams
    ("teams-webhook", r"https://[a-z0-9-]+\.webhook\.office\.com/webhookb2/[A-Za-z0-9@/_-]{60,}", always),
];

const PAYMENTS: &[Format] = &[
    // docs.stripe.com/keys: secret and restricted keys, signing secrets; `pk_` is meant for the public
    ("stripe-key", r"(?-u:\b)(?:[sr]k_(?:live|test)_[A-Za-z0-9]{10,}|whsec_[A-Za-z0-9+/=]{24,})", always),
    // developer.squareup.com, access tokens and secrets
    ("square-token", r"(?-u:\b)(?:sq0(?:atp|csp)-[A-Za-z0-9_-]{22,43}|EAAA[A-Za-z0-9_-]{60})", always),
    // shopify.dev, changelog "Length of the Shopify access token"
    ("shopify-token", r"(?-u:\b)shp(?:at|ca|pa|ss)_[0-9a-fA-F]{32}", always),
    // developer.paypal.com, Braintree access tokens
    ("braintree-token", r"access_token\$(?:production|sandbox)\$[0-9a-z]{16}\$[0-9a-f]{32}", always),
];

const SERVICES: &[Format] = &[
    // twilio.com/docs, API keys; the auth token has no prefix, so recognised by the name near it
    ("twilio-key", r"(?-u:\b)SK[0-9a-f]{32}(?-u:\b)", always),
    ("twilio-auth-token", r#"(?i)twilio[^\n]{0,60}?["'\s=:]([0-9a-f]{32})(?-u:\b)"#, always),
    // docs.sendgrid.com, API keys
    ("sendgrid-key", r"(?-u:\b)SG\.[A-Za-z0-9_-]{16,32}\.[A-Za-z0-9_-]{16,64}", always),
    // documentation.mailgun.com, mailchimp.com/developer
    ("mailgun-key", r"(?-u:\b)key-[0-9a-f]{32}(?-u:\b)", always),
    ("mailchimp-key", r"(?-u:\b)[0-9a-f]{32}-us[0-9]{1,2}(?-u:\b)", always),
    // grafana.com/docs, service account and cloud access policy tokens
    ("grafana-token", r"(?-u:\b)(?:glsa_[A-Za-z0-9]{32}_[0-9a-fA-F]{8}|glc_[A-Za-z0-9+/=]{32,})", always),
    // docs.newrelic.com, docs.sentry.io
    ("new-relic-key", r"(?-u:\b)NR(?:AK|AL|II|RA)[A-Za-z0-9-]{27,}", has_digit),
    ("sentry-token", r"(?-u:\b)sntry[su]_[A-Za-z0-9+/=_-]{40,}", always),
    // learning.postman.com, developers.notion.com, linear.app/developers, airtable.com/developers
    ("postman-key", r"(?-u:\b)PMAK-[0-9a-f]{24}-[0-9a-f]{34}", always),
    ("notion-token", r"(?-u:\b)(?:ntn_[A-Za-z0-9]{40,}|secret_[A-Za-z0-9]{43})(?-u:\b)", always),
    ("linear-key", r"(?-u:\b)lin_(?:api|oauth)_[A-Za-z0-9]{32,}", always),
    ("airtable-token", r"(?-u:\b)pat[A-Za-z0-9]{14}\.[0-9a-f]{64}(?-u:\b)", always),
    // docs.netlify.com, supabase.com/docs, planetscale.com/docs, docs.doppler.com
    ("netlify-token", r"(?-u:\b)nf[cpou]_[A-Za-z0-9_-]{36,}", always),
    ("supabase-key", r"(?-u:\b)(?:sbp_[0-9a-f]{40}|sb_secret_[A-Za-z0-9_-]{20,})", always),
    ("planetscale-token", r"(?-u:\b)pscale_(?:tkn|oauth|pw)_[A-Za-z0-9_.=-]{32,}", always),
    ("doppler-token", r"(?-u:\b)dp\.(?:ct|pt|st|sa|scim|audit)\.[A-Za-z0-9_.-]{40,}", always),
    // docs.pulumi.com, docs.mapbox.com (secret tokens)
    ("pulumi-token", r"(?-u:\b)pul-[0-9a-f]{40}(?-u:\b)", always),
    ("mapbox-token", r"(?-u:\b)sk\.eyJ[A-Za-z0-9_-]{20,}\.[A-Za-z0-9_-]{20,}", always),
];

const TRANSPORTS: &[Format] = &[
    // RFC 7519: three parts in base64url, of which the first two are JSON objects (`{"` is `eyJ`)
    ("json-web-token", r"(?-u:\b)eyJ[A-Za-z0-9_-]{10,}\.eyJ[A-Za-z0-9_-]{10,}\.[A-Za-z0-9_-]{10,}", always),
    // RFC 3986 section 3.2.1: `user:password@`, also of databases
    ("url-password", r#"[A-Za-z][A-Za-z0-9+.-]{1,30}://[^\s/:@"'<>`]{0,100}:([^\s/@"'<>`]{3,})@"#, is_password),
    // connection strings: `Server=..;User Id=..;Password=..;`
    ("connection-password", r#"(?i);\s*(?:password|pwd)\s*=\s*([^;"'\s]{3,})"#, is_password),
    // RFC 9110 section 11.6.2
    (
        "authorization",
        r#"(?i)authorization["']?\s*[:=,]\s*["']?(?:bearer|basic|token)\s+([A-Za-z0-9+/=_.~-]{16,})"#,
        has_digit,
    ),
];

/// A literal behind a name that says what it is.
const ASSIGNMENTS: &[Format] = &[
    (
        "password",
        r#"(?i)(?:passw(?:or)?d|passphrase|pwd)[A-Za-z0-9_.-]{0,30}["'\]]{0,2}\s*(?::\s*[&'A-Za-z0-9_<>\[\]; ]{1,40}=|:=|=>|=|:)\s*b?["'`]([^"'`\s]{4,})["'`]"#,
        is_password,
    ),
    (
        "secret",
        r#"(?i)(?:secret|token|api[_-]?key|access[_-]?key|auth[_-]?key|credential|private[_-]?key|signing[_-]?key|encryption[_-]?key)[A-Za-z0-9_.-]{0,30}["'\]]{0,2}\s*(?::\s*[&'A-Za-z0-9_<>\[\]; ]{1,40}=|:=|=>|=|:)\s*b?["'`]([^"'`\s]{12,})["'`]"#,
        is_random,
    ),
    // a name and its value as the two arguments of a call; in a longer list both would be names
    (
        "password",
        r#"(?i)\(\s*["'][A-Za-z0-9_.-]{0,30}(?:passw(?:or)?d|passphrase|pwd)[A-Za-z0-9_.-]{0,30}["']\s*,\s*b?["']([^"'\s]{4,})["']\s*\)"#,
        is_password,
    ),
    (
        "secret",
        r#"(?i)\(\s*["'][A-Za-z0-9_.-]{0,30}(?:secret|token|key|credential)[A-Za-z0-9_.-]{0,30}["']\s*,\s*b?["']([^"'\s]{12,})["']\s*\)"#,
        is_random,
    ),
    // as on a command line, in an environment or in an address
    (
        "secret",
        r"(?i)(?:passw(?:or)?d|secret|token|api[_-]?key|access[_-]?key|credential)[A-Za-z0-9_.-]{0,30}=([A-Za-z0-9+/=_~-]{16,})",
        is_key,
    ),
    // as in YAML or a unit: no quotes, the end of the line ends it
    (
        "secret",
        r"(?im)^[ \t]*(?:-[ \t]+|export[ \t]+|ENV[ \t]+)?[A-Za-z0-9_.-]{0,50}(?:passw(?:or)?d|secret|token|api[_-]?key|access[_-]?key|credential)[A-Za-z0-9_.-]{0,30}[ \t]*[=:][ \t]*([A-Za-z0-9+/=_~-]{16,})[ \t]*\r?$",
        is_key,
    ),
];
