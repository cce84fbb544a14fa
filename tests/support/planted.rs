//! Made-up secrets, one of each known kind, put together here so that no file of this project holds one.

/// Letters and digits, as if by chance.
fn chars(count: usize) -> String {
    "a8Zk3QmR7xT1vB9wLpY5cNd2HgF6jS4eUo".chars().cycle().take(count).collect()
}

fn hex(count: usize) -> String {
    "9f86d081884c7d659a2feaa0c55ad015".chars().cycle().take(count).collect()
}

fn upper(count: usize) -> String {
    chars(count).to_uppercase()
}

/// A line of source with a secret in it.
pub struct Planted {
    pub kind: &'static str,
    /// What must not leave.
    pub secret: String,
    /// Where it stands.
    pub text: String,
}

/// One of each kind, and further forms of some.
pub fn planted() -> Vec<Planted> {
    let mut all: Vec<Planted> = bare()
        .into_iter()
        .map(|(kind, secret)| Planted { kind, text: format!("let x = f({secret:?});"), secret })
        .collect();
    all.extend(in_context().into_iter().map(|(kind, secret, before, after)| {
        let text = format!("{before}{secret}{after}");
        Planted { kind, secret, text }
    }));
    all
}

/// Secrets that their own form betrays.
fn bare() -> Vec<(&'static str, String)> {
    vec![
        ("age-key", format!("AGE-SECRET-KEY-1{}", upper(58))),
        ("aws-access-key-id", format!("AKIA{}", upper(16))),
        ("aws-access-key-id", format!("ASIA{}", upper(16))),
        ("google-api-key", format!("AIza{}", chars(35))),
        ("google-oauth", format!("ya29.{}", chars(60))),
        ("google-oauth", format!("GOCSPX-{}", chars(28))),
        ("azure-client-secret", format!("abc8Q~{}", chars(34))),
        ("digitalocean-token", format!("dop_v1_{}", hex(64))),
        ("alibaba-access-key", format!("LTAI{}", chars(20))),
        ("cloudflare-origin-key", format!("v1.0-{}-{}", hex(24), hex(146))),
        ("heroku-token", format!("HRKU-{}", chars(40))),
        ("fly-token", format!("fo1_{}", chars(43))),
        ("vault-token", format!("hvs.{}", chars(90))),
        ("terraform-token", format!("{}.atlasv1.{}", chars(14), chars(67))),
        ("databricks-token", format!("dapi{}", hex(32))),
        ("github-token", format!("ghp_{}", chars(36))),
        ("github-token", format!("ghs_{}", chars(36))),
        ("github-token", format!("gho_{}", chars(36))),
        ("github-token", format!("ghu_{}", chars(36))),
        ("github-token", format!("ghr_{}", chars(76))),
        ("github-fine-grained-token", format!("github_pat_{}_{}", chars(22), chars(59))),
        ("gitlab-token", format!("glpat-{}", chars(20))),
        ("gitlab-token", format!("glrt-{}", chars(24))),
        ("atlassian-token", format!("ATATT3{}", chars(180))),
        ("npm-token", format!("npm_{}", chars(36))),
        ("pypi-token", format!("pypi-AgEIcHlwaS5vcmc{}", chars(120))),
        ("crates-io-token", format!("cio{}", chars(32))),
        ("rubygems-key", format!("rubygems_{}", hex(48))),
        ("nuget-key", format!("oy2{}", chars(43).to_lowercase())),
        ("docker-token", format!("dckr_pat_{}", chars(27))),
        ("anthropic-key", format!("sk-ant-api03-{}", chars(95))),
        ("openrouter-key", format!("sk-or-v1-{}", hex(64))),
        ("openai-key", format!("sk-{}", chars(48))),
        ("openai-key", format!("sk-proj-{}_{}-x", chars(40), chars(40))),
        ("xai-key", format!("xai-{}", chars(80))),
        ("groq-key", format!("gsk_{}", chars(52))),
        ("replicate-token", format!("r8_{}", chars(37))),
        ("perplexity-key", format!("pplx-{}", chars(48))),
        ("hugging-face-token", format!("hf_{}", chars(34))),
        ("slack-token", format!("xoxb-{}-{}", "123456789012", chars(24))),
        ("slack-token", format!("xapp-1-A012-{}", hex(64))),
        ("slack-webhook", format!("https://hooks.slack.com/services/T012/B012/{}", chars(24))),
        ("telegram-bot-token", format!("123456789:AA{}", chars(33))),
        ("discord-bot-token", format!("M{}.{}.{}", chars(23), chars(6), chars(38))),
        ("discord-webhook", format!("https://discord.com/api/webhooks/1234567890/{}", chars(68))),
        ("teams-webhook", format!("https://acme.webhook.office.com/webhookb2/{}@{}/x", chars(36), chars(36))),
        ("stripe-key", format!("sk_live_{}", chars(24))),
        ("stripe-key", format!("rk_test_{}", chars(24))),
        ("stripe-key", format!("whsec_{}", chars(32))),
        ("square-token", format!("sq0atp-{}", chars(22))),
        ("square-token", format!("EAAA{}", chars(60))),
        ("shopify-token", format!("shpat_{}", hex(32))),
        ("braintree-token", format!("access_token$production${}${}", hex(16), hex(32))),
        ("twilio-key", format!("SK{}", hex(32))),
        ("sendgrid-key", format!("SG.{}.{}", chars(22), chars(43))),
        ("mailgun-key", format!("key-{}", hex(32))),
        ("mailchimp-key", format!("{}-us12", hex(32))),
        ("grafana-token", format!("glsa_{}_{}", chars(32), hex(8))),
        ("new-relic-key", format!("NRAK-{}", upper(27))),
        ("sentry-token", format!("sntrys_{}", chars(80))),
        ("postman-key", format!("PMAK-{}-{}", hex(24), hex(34))),
        ("notion-token", format!("ntn_{}", chars(46))),
        ("linear-key", format!("lin_api_{}", chars(40))),
        ("airtable-token", format!("pat{}.{}", chars(14), hex(64))),
        ("netlify-token", format!("nfp_{}", chars(36))),
        ("supabase-key", format!("sbp_{}", hex(40))),
        ("planetscale-token", format!("pscale_tkn_{}", chars(43))),
        ("doppler-token", format!("dp.pt.{}", chars(43))),
        ("pulumi-token", format!("pul-{}", hex(40))),
        ("mapbox-token", format!("sk.eyJ{}.{}", chars(60), chars(22))),
        ("json-web-token", format!("eyJ{}.eyJ{}.{}", chars(30), chars(60), chars(43))),
    ]
}

/// Secrets that what stands around them betrays.
fn in_context() -> Vec<(&'static str, String, &'static str, &'static str)> {
    vec![
        (
            "private-key",
            format!("{}\n{}\n{}", chars(64), chars(64), chars(20)),
            "-----BEGIN RSA PRIVATE KEY-----\n",
            "\n-----END RSA PRIVATE KEY-----",
        ),
        (
            "private-key",
            format!("{}\n{}", chars(64), chars(64)),
            "-----BEGIN PGP PRIVATE KEY BLOCK-----\n\n",
            "\n-----END PGP PRIVATE KEY BLOCK-----",
        ),
        (
            "private-key",
            format!("{}\\n{}", chars(64), chars(64)),
            "{\"private_key\": \"-----BEGIN PRIVATE KEY-----\\n",
            "\\n-----END PRIVATE KEY-----\\n\"}",
        ),
        ("private-key", format!("{}\n{}", chars(64), chars(64)), "-----BEGIN OPENSSH PRIVATE KEY-----\n", "\n"),
        ("aws-secret-access-key", chars(40), "aws_secret_access_key = ", "\n"),
        ("aws-secret-access-key", chars(40), "AWS_SECRET_ACCESS_KEY: \"", "\""),
        ("gcp-service-account", hex(40), "{\"private_key_id\": \"", "\"}"),
        (
            "azure-connection-string",
            format!("{}==", chars(86)),
            "DefaultEndpointsProtocol=https;AccountName=a;AccountKey=",
            ";EndpointSuffix=x",
        ),
        ("azure-sas", format!("{}%3D", chars(43)), "https://a.example/c?sv=2024&sig=", "\""),
        ("docker-auth", chars(40), "{\"auths\": {\"r.example\": {\"auth\": \"", "\"}}}"),
        ("twilio-auth-token", hex(32), "twilio::Client::new(sid, \"", "\")"),
        ("url-password", "hunter2".to_owned(), "https://ann:", "@example.org/x"),
        ("url-password", "s3cr3t!".to_owned(), "DATABASE_URL=postgres://app:", "@db.internal:5432/app"),
        ("connection-password", "hunter2".to_owned(), "Server=db;User Id=app;Password=", ";Encrypt=true"),
        ("authorization", chars(40), "curl -H 'Authorization: Bearer ", "'"),
        ("password", "hunter2".to_owned(), "let password = \"", "\";"),
        ("password", "hunter2".to_owned(), "const DB_PASSWORD: &'static str = \"", "\";"),
        ("password", "hunter2".to_owned(), "{\"passwd\": \"", "\"}"),
        ("password", "correct-horse".to_owned(), "config.set(\"password\", '", "')"),
        ("secret", chars(24), "static SIGNING_KEY: &[u8] = b\"", "\";"),
        ("secret", chars(24), "config.insert(\"api-token\", \"", "\")"),
        ("secret", chars(24), "client_secret => '", "',"),
        ("secret", hex(40), "export DEPLOY_TOKEN=", "\n"),
        ("secret", chars(32), "  api_key: ", "\n"),
    ]
}
