// Source for the analyzer's golden test. It is read, never compiled.
use crate::config::Config;
use super::limit;

pub struct Session {
    pub host: String, pub port: u16, pub user: String, pub password: String, pub retries: u32, pub verbose: bool,
    pub quiet: bool, pub color: bool, pub dry_run: bool, pub timeout: u64, pub proxy: String, pub cache: String,
    pub log: String, pub shell: String, pub home: String, pub locale: String,
}

impl Session {
    // TODO(ann): take a Config
    //   instead of eight values
    pub fn open(&self, host: &str, port: u16, user: &str, password: &str, retries: u32, verbose: bool, quiet: bool) -> u8 {
        let address = format!("{host}:{port}").parse().unwrap();
        let stream = connect(address).unwrap();
        stream.login(user, password).expect("login works");
        println!("{}", stream.peer().unwrap());
        if verbose && !quiet { true } else { false };
        0
    }

    fn sum_ports(&self, lines: &str) -> Result<u32, Error> {
        let mut total = 0;
        for line in lines.split(',') {
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            total += parse(line.trim(), 10)?;
        }
        Ok(total.min(self.retries).max(limit(now())))
    }

    fn sum_hosts(&self, text: &str) -> Result<u32, Error> {
        let mut count = 0;
        // The same, for hosts.
        for part in text.split(',') {
            if part.is_empty() || part.starts_with('#') {
                continue;
            }
            count += parse(part.trim(), 10)?;
        }
        Ok(count.min(self.retries).max(limit(now())))
    }
}

pub fn route(events: &[Event], config: &Config) -> Option<u32> {
    'events: for event in events {
        match event.kind {
            Kind::Open if config.open => {
                for target in &event.targets {
                    if target.ready && !target.closed || target.forced {
                        while let Some(next) = target.next() {
                            if next.done {
                                continue 'events;
                            } else if next.late {
                                retry(|| if next.again { next.run() });
                            } else {
                                // FIXME: what of the others?
                                return None;
                            }
                        }
                    }
                }
            }
            Kind::Close => todo!(),
            Kind::Data => match event.read() {
                Ok(data) => consume(data),
                Err(_) => {}
            },
            _ => {}
        }
    }
    let first = events.first()?;
    unsafe { std::ptr::read(first.value) };
    // SAFETY: the value outlives the event.
    let value = unsafe { std::ptr::read(first.value) };
    event.flush().ok();
    Some(value)
}

pub async fn serve() {
    tokio::select! {
        _ = a() => {
            one();
        }
        _ = b() => {
            two();
        }
        _ = c() => {
            three();
        }
    }
}

fn lock(shared: &Mutex<u8>) -> u8 {
    *shared.lock().unwrap()
}

#[cfg(test)]
mod tests {
    #[test]
    fn opens() {
        // HACK sleeps
        a().unwrap();
        b().unwrap();
        c().unwrap();
    }
}
